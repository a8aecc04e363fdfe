// SPDX-License-Identifier: GPL-2.0-or-later
// What the dumped machine's memory was used for, by the kernel's counters (mm/vmstat.c), zones, slab caches,
// and the memory of each process. Reads no struct page, so it is fast, and includes pages that the dump left
// out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/inspect/session.h"

namespace lifeboat::inspect {

// Numbers of pages; nullopt: the kernel has no such counter. They may lack what a CPU had not added yet.
struct MemoryUse {
  std::optional<uint64_t> total;  // that the kernel manages
  std::optional<uint64_t> free;
  std::optional<uint64_t> cache;  // of files, shared memory, and block devices
  std::optional<uint64_t> anonymous;
  std::optional<uint64_t> shared;  // shared memory and tmpfs; part of the cache
  std::optional<uint64_t> slab_reclaimable, slab_unreclaimable;
  std::optional<uint64_t> page_tables, kernel_stacks;
  std::optional<uint64_t> dirty, writeback;
  std::optional<uint64_t> swap_total, swap_free;
};
Result<MemoryUse> read_memory_use(const Session& session);

struct Zone {
  int node = 0;
  std::string name;
  uint64_t present = 0, managed = 0, free = 0;                           // pages
  std::optional<uint64_t> min_watermark, low_watermark, high_watermark;  // pages
};
struct ZoneList {
  std::vector<Zone> zones;  // that have memory
  std::vector<std::string> notes;
};
Result<ZoneList> read_zones(const Session& session);

struct SlabCache {
  std::string name;
  uint64_t object_size = 0;  // bytes, with what the allocator adds
  uint64_t objects = 0;      // that its slabs have room for
  uint64_t slabs = 0, pages = 0;
};
struct SlabCaches {
  std::vector<SlabCache> caches;  // most pages first
  std::vector<std::string> notes;
};
Result<SlabCaches> read_slab_caches(const Session& session);

struct ProcessMemory {
  int32_t pid = 0;
  std::string comm;
  uint64_t anonymous = 0, file = 0, shared = 0, swapped = 0;  // pages
  [[nodiscard]] uint64_t resident() const { return anonymous + file + shared; }
};
// One entry for each address space, the largest first.
Result<std::vector<ProcessMemory>> read_process_memory(const Session& session);

}  // namespace lifeboat::inspect
