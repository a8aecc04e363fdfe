// SPDX-License-Identifier: GPL-2.0-or-later
// All arguments of kexec_load(2), and all data for the new kernel: made without changing anything, so that a
// load can be checked, shown (--dry-run) and tested before the call frees the old image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loader/elf_core_headers.h"
#include "loader/machine.h"
#include "src/base/error.h"
#include "src/image/kernel_file.h"

namespace lifeboat {

struct Segment {
  std::string name;          // for messages: "kernel", "initramfs", ...
  uint64_t address = 0;      // physical, at a border of the running kernel's pages
  uint64_t memory_size = 0;  // whole pages; the part behind `bytes` is for the new kernel
  std::vector<std::byte> bytes;
  bool digested = false;  // purgatory checks `bytes` before it enters the kernel
};

// A range of memory as it is described to the new kernel.
struct DescribedRange {
  MemoryRange range;
  std::string type;  // by the kernel's names: "System RAM"
  bool operator==(const DescribedRange&) const = default;
};

struct LoadPlan {
  uint64_t entry = 0;                        // physical: purgatory's
  uint64_t kernel_entry = 0;                 // where purgatory jumps to
  std::vector<Segment> segments;             // sorted by address; at most kMaxSegments
  std::vector<DescribedRange> memory_map;    // that the new kernel is given
  std::vector<CoreSegment> core;             // of /proc/vmcore; empty for a normal kexec
  std::string command_line;                  // with what was added (elfcorehdr=)
  bool kernel_updates_core_headers = false;  // on CPU and memory hotplug
  std::vector<std::string> warnings;
};

// KEXEC_SEGMENT_MAX (include/uapi/linux/kexec.h).
inline constexpr size_t kMaxSegments = 16;

// What a plan is made from; `initramfs` is the whole of it, already joined.
struct PlanInput {
  const KernelFile& kernel;
  ByteSpan initramfs;
  std::string command_line;
  bool crash = true;
  uint64_t memory_min = 0, memory_max = UINT64_MAX;
  bool verify = true;
};

}  // namespace lifeboat
