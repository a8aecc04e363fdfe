// SPDX-License-Identifier: GPL-2.0-or-later
// The KDUMP ("diskdump") file as makedumpfile writes it for 64-bit machines: header version 6,
// little-endian. Blocks have the size of a page of the dumped kernel (block_size). Block 0 header, block 1
// sub header with the notes behind it, two bitmaps, page descriptors in PFN order for each bit of the second
// bitmap, page data anywhere behind. Fields: see docs/kdump-format.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace lifeboat::kdump {

inline constexpr std::array<char, 8> kSignature = {'K', 'D', 'U', 'M', 'P', ' ', ' ', ' '};
inline constexpr int kVersion = 6;
inline constexpr size_t kUtsFieldSize = 65;

enum Status : uint32_t {
  kStatusZlib = 0x1,
  kStatusLzo = 0x2,
  kStatusSnappy = 0x4,
  kStatusIncomplete = 0x8,
  kStatusExcludedVmemmap = 0x10,
  kStatusZstd = 0x20,
};

struct Header {
  std::array<char, 8> signature;
  int32_t version;
  std::array<std::array<char, kUtsFieldSize>, 6> uts;  // sysname nodename release version machine domainname
  std::array<char, 6> padding;
  uint64_t timestamp_seconds;
  uint64_t timestamp_microseconds;
  uint32_t status;
  int32_t block_size;
  int32_t sub_header_blocks;
  uint32_t bitmap_blocks;  // both bitmaps together
  uint32_t max_mapnr;      // min(max_mapnr_64, UINT32_MAX)
  uint32_t total_ram_blocks;
  uint32_t device_blocks;
  uint32_t written_blocks;
  uint32_t current_cpu;
  int32_t cpus;
};
static_assert(sizeof(Header) == 464);
static_assert(offsetof(Header, timestamp_seconds) == 408);
static_assert(offsetof(Header, status) == 424);
static_assert(offsetof(Header, cpus) == 460);

struct SubHeader {
  uint64_t phys_base;
  int32_t dump_level;
  int32_t split;
  uint64_t start_pfn, end_pfn;  // 32-bit era; use the _64 ones
  uint64_t offset_vmcoreinfo, size_vmcoreinfo;
  uint64_t offset_note, size_note;
  uint64_t offset_eraseinfo, size_eraseinfo;
  uint64_t start_pfn_64, end_pfn_64;
  uint64_t max_mapnr_64;
};
static_assert(sizeof(SubHeader) == 104);

struct PageDescriptor {
  uint64_t offset;
  uint32_t size;
  uint32_t flags;  // Status codec bits; 0: raw
  uint64_t page_flags;
};
static_assert(sizeof(PageDescriptor) == 24);

}  // namespace lifeboat::kdump
