// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/page_type.h"

#include <algorithm>
#include <array>

namespace lifeboat {
namespace {

// A word from here to -1 is a number of mappings that became negative by an error (PAGE_MAPCOUNT_RESERVE).
constexpr int32_t kUnderflow = -128;

// The number of free pages in each encoding.
constexpr uint32_t kFreeLowBit = ~uint32_t{0x80};
constexpr uint32_t kFreeHighBit = ~uint32_t{0x40000000};
constexpr uint32_t kFreeNumber = 0xf0000000;

// The other types that only the kernel's own pages have; VMCOREINFO does not have their numbers.
// 0x200: accounted (until 5.10) or a page table; 0x400: a page table (until 5.10) or a guard page; 0x800: a
// guard page (until 5.10), later hugetlb, which VMCOREINFO has. Accounted page tables have two of them.
constexpr uint32_t kKernelLowBits = 0x200 | 0x400 | 0x800;
// Page table, guard page, zsmalloc.
constexpr uint32_t kKernelHighBits = 0x10000000 | 0x08000000 | 0x01000000;
// Page table, guard page, zsmalloc, large kmalloc (6.15).
constexpr auto kKernelNumbers = std::to_array<uint32_t>({0xf2, 0xf3, 0xf6, 0xf8});

constexpr uint32_t kOwnersOfHighBits = 0xffff;
constexpr uint32_t kOwnersOfNumbers = 0xffffff;

// They are exported as numbers with a sign; what counts is the pattern of 32 bits.
std::optional<uint32_t> exported(const Vmcoreinfo& info, std::string_view name) {
  const auto value = info.number(name);
  return value ? std::optional(static_cast<uint32_t>(*value)) : std::nullopt;
}

}  // namespace

PageTypes::PageTypes(const Vmcoreinfo& info)
    : free_(exported(info, "PAGE_BUDDY_MAPCOUNT_VALUE")),
      unaccepted_(exported(info, "PAGE_UNACCEPTED_MAPCOUNT_VALUE")),
      offline_(exported(info, "PAGE_OFFLINE_MAPCOUNT_VALUE")),
      hugetlb_(exported(info, "PAGE_HUGETLB_MAPCOUNT_VALUE")),
      slab_(exported(info, "PAGE_SLAB_MAPCOUNT_VALUE")) {
  if (free_ == kFreeLowBit) encoding_ = Encoding::low_bits;
  if (free_ == kFreeHighBit) encoding_ = Encoding::high_bits;
  if (free_ == kFreeNumber) encoding_ = Encoding::numbers;
}

const std::optional<uint32_t>& PageTypes::value_of(Kind kind) const {
  static constexpr std::optional<uint32_t> kNothing;
  switch (kind) {
    case Kind::free:
      return free_;
    case Kind::unaccepted:
      return unaccepted_;
    case Kind::offline:
      return offline_;
    case Kind::hugetlb:
      return hugetlb_;
    case Kind::slab:
      return slab_;
    case Kind::none:
    case Kind::kernel:
    case Kind::unknown:
      return kNothing;
  }
  return kNothing;
}

bool PageTypes::is_kernels(uint32_t word) const {
  switch (encoding_) {
    case Encoding::low_bits:
      return (~word & ~kKernelLowBits) == 0;
    case Encoding::high_bits:
      return (~word & ~(kKernelHighBits | kOwnersOfHighBits)) == 0;
    case Encoding::numbers:
      return std::ranges::find(kKernelNumbers, word >> 24) != kKernelNumbers.end();
    case Encoding::unknown:
      return false;
  }
  return false;
}

uint32_t PageTypes::type_in(uint32_t word) const {
  switch (encoding_) {
    case Encoding::high_bits:
      return word | kOwnersOfHighBits;
    case Encoding::numbers:
      return word & ~kOwnersOfNumbers;
    case Encoding::low_bits:
    case Encoding::unknown:
      return word;
  }
  return word;
}

PageTypes::Kind PageTypes::kind(uint32_t word) const {
  // Most pages: mapped so many times, or never.
  if (static_cast<int32_t>(word) >= -1) return Kind::none;
  // The whole word is compared: in this way it is right for each encoding.
  if (word == free_) return Kind::free;
  if (word == slab_) return Kind::slab;
  if (word == hugetlb_) return Kind::hugetlb;
  if (word == offline_) return Kind::offline;
  if (word == unaccepted_) return Kind::unaccepted;
  if (static_cast<int32_t>(word) >= kUnderflow) return Kind::none;
  return is_kernels(word) ? Kind::kernel : Kind::unknown;
}

}  // namespace lifeboat
