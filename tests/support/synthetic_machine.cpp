// SPDX-License-Identifier: GPL-2.0-or-later
// Where things are in physical memory:
//
//   RAM         [0, 3 GiB), and from 4 GiB on as much as the machine has besides. FakeKernel's own pages are
//               within; all others have a pattern.
//   32 TiB on   what describes that RAM: kTables, the page tables of the mem_map; kSections, mem_section;
//               kMemMap, the struct pages. No RAM is there, so none of it is saved.
#include "tests/support/synthetic_machine.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "src/base/size.h"
#include "src/dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

constexpr uint64_t kSectionBytes = kFakeSectionPages * kPageSize;
constexpr uint64_t kHoleBegin = 3_GiB, kHoleEnd = 4_GiB;
constexpr uint64_t kFakeRam = 32_MiB;

constexpr uint64_t kTables = uint64_t{32} << 40;
constexpr uint64_t kSections = kTables + 1_GiB;
constexpr uint64_t kMemMap = kTables + 2_GiB;
constexpr uint64_t kTableBytes = 8_MiB, kSectionsBytes = 16_MiB;  // more than the largest machine has

// Page tables and large pages as the kernel uses them for its vmemmap: an entry for the 2 MiB of each
// section.
constexpr uint64_t kLargeBytes = 2_MiB;
constexpr uint64_t kPresent = 0x63, kLarge = 0x80;
constexpr uint64_t kTableEntries = kPageSize / sizeof(uint64_t);
static_assert(kFakeSectionPages * kFakePageSize == kLargeBytes);

// mem_section: an array of roots, and from here on the sections.
constexpr uint64_t kSectionsVirtual = 0xffffffffa0000000;
constexpr uint64_t kSectionArray = 2_MiB;
constexpr uint64_t kSectionStruct = 32;  // as FakeKernel's VMCOREINFO has it
constexpr uint64_t kSectionsPerRoot = kPageSize / kSectionStruct;
constexpr uint64_t kSectionFlags = 0xf;  // present, has a mem_map, online, early

// As tests/support/pages.h fills them.
void fill_pattern(uint64_t pfn, uint64_t offset, MutableByteSpan out) {
  std::array<uint64_t, 16> words;
  for (uint64_t index = 0; index < words.size(); ++index) words[index] = (pfn + 1) << 8 | index;
  const auto bytes = std::as_bytes(std::span(words));
  while (!out.empty()) {
    const uint64_t within = offset % bytes.size();
    const size_t count = std::min<uint64_t>(out.size(), bytes.size() - within);
    std::memcpy(out.data(), bytes.data() + within, count);
    offset += count;
    out = out.subspan(count);
  }
}

// Fills `out` from a page that is made as a whole.
template <typename MakeEntry>
size_t copy_entries(uint64_t offset, MutableByteSpan out, MakeEntry entry) {
  std::array<uint64_t, kTableEntries> entries;
  for (uint64_t index = 0; index < kTableEntries; ++index) entries[index] = entry(index);
  const uint64_t within = offset % kPageSize;
  const size_t count = std::min<uint64_t>(out.size(), kPageSize - within);
  std::memcpy(out.data(), std::as_bytes(std::span(entries)).data() + within, count);
  return count;
}

// splitmix64 (Steele, Lea, Flood 2014): neighbours get unrelated numbers.
uint64_t scattered(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// What single pages of a mixed block are, in turn.
constexpr std::array<PageClass, 8> kMixture = {PageClass::cache, PageClass::user,          PageClass::cache,
                                               PageClass::user,  PageClass::cache_private, PageClass::free,
                                               PageClass::cache, PageClass::user};
// Differs from one turn to the next.
size_t place_in_mixture(uint64_t pfn) {
  return (pfn ^ (pfn >> 3)) % kMixture.size();
}

PageClass class_in_block(SyntheticBlock block, uint64_t pfn) {
  switch (block) {
    case SyntheticBlock::huge:
    case SyntheticBlock::user:
      return PageClass::user;
    case SyntheticBlock::free:
      return PageClass::free;
    case SyntheticBlock::cache:
      return PageClass::cache;
    case SyntheticBlock::mixed:
      return kMixture[place_in_mixture(pfn)];
  }
  return PageClass::kernel;
}

}  // namespace

SyntheticMachine::SyntheticMachine(const SyntheticMachineOptions& options)
    : options_(options), fake_({.ram_bytes = kFakeRam}) {
  assert(options_.ram_bytes > 0 && options_.ram_bytes % kSectionBytes == 0);
  assert(options_.ram_bytes <= kMaxSyntheticRam);
  learn_structs();
  lay_out_ram();
  map_what_is_made();
  describe();
}

SyntheticMachine::Struct SyntheticMachine::struct_at(uint64_t pfn) {
  Struct bytes;
  const auto read = fake_.memory().read(fake_.mem_map_physical() + pfn * kFakePageSize, bytes);
  assert(read);
  return bytes;
}

// FakeKernel's mem_map shows what each use looks like, before another one takes its place.
void SyntheticMachine::learn_structs() {
  const unsigned order = std::countr_zero(kSyntheticBlockPages);
  const auto single = [this](FakeUse use) {
    set_block(fake_, {1, 0, use});
    return struct_at(1);
  };
  kernel_ = single(FakeUse::kernel);
  cache_ = single(FakeUse::cache);
  cache_private_ = single(FakeUse::cache_private);
  user_ = single(FakeUse::user);
  free_page_ = single(FakeUse::free);
  set_block(fake_, {kSyntheticBlockPages, order, FakeUse::free});
  free_block_ = struct_at(kSyntheticBlockPages);
  set_block(fake_, {kSyntheticBlockPages, order, FakeUse::user});
  huge_head_ = struct_at(kSyntheticBlockPages);
  huge_first_tail_ = struct_at(kSyntheticBlockPages + 1);
  huge_tail_ = struct_at(kSyntheticBlockPages + 2);
}

void SyntheticMachine::lay_out_ram() {
  const uint64_t low = std::min(options_.ram_bytes, kHoleBegin);
  ram_.push_back({0, low});
  if (options_.ram_bytes > low) ram_.push_back({kHoleEnd, kHoleEnd + options_.ram_bytes - low});
  sections_ = ram_.back().end / kSectionBytes;
}

bool SyntheticMachine::has_section(uint64_t number) const {
  const uint64_t address = number * kSectionBytes;
  return number < sections_ && (address < kHoleBegin || address >= kHoleEnd);
}

void SyntheticMachine::map_what_is_made() {
  for (uint64_t at = 0; at < kSectionsBytes; at += kLargeBytes)
    fake_.map(kSectionsVirtual + at, kSections + at, kLargeBytes);
  fake_.set_key("SYMBOL(mem_section)", fmt::format("{:x}", kSectionsVirtual));
  // The top table's entry for the vmemmap, 512 GiB of it.
  fake_.memory().write64(fake_.entry_address(FakeKernel::page_address(0), 3), kTables | kPresent);
}

void SyntheticMachine::describe() {
  info_.machine = "x86_64";
  info_.max_pfn = ram_.back().end / kPageSize;
  info_.ram_pages = info_.stored_pages = options_.ram_bytes / kPageSize;
  info_.cpus = 2;
  info_.vmcoreinfo = fake_.vmcoreinfo();
  for (int cpu = 0; cpu < info_.cpus; ++cpu) {
    const auto note = elf_note("CORE", NT_PRSTATUS, std::vector<std::byte>(336));
    info_.notes.insert(info_.notes.end(), note.begin(), note.end());
  }
  const auto note = elf_note("VMCOREINFO", 0, as_byte_span(info_.vmcoreinfo));
  info_.notes.insert(info_.notes.end(), note.begin(), note.end());
}

Result<PageState> SyntheticMachine::page_state(uint64_t pfn) const {
  return has_section(pfn / kFakeSectionPages) ? PageState::stored : PageState::absent;
}

void SyntheticMachine::verify(VerifyReport& report, Progress& /*progress*/) {
  report.pages_checked = info_.ram_pages;
}

SyntheticBlock SyntheticMachine::block_of(uint64_t pfn) {
  const uint64_t number = scattered(pfn / kSyntheticBlockPages) % 16;
  if (number < 6) return SyntheticBlock::huge;
  if (number < 9) return SyntheticBlock::free;
  if (number < 13) return SyntheticBlock::cache;
  return number < 15 ? SyntheticBlock::user : SyntheticBlock::mixed;
}

uint64_t SyntheticMachine::kernel_pages(uint64_t section) const {
  // The first section has the kernel's image.
  const uint64_t image = section == 0 ? kFakeRam / kPageSize : 0;
  return std::min(std::max(options_.kernel_pages_per_section, image), kFakeSectionPages);
}

std::array<uint64_t, kPageClasses> SyntheticMachine::pages_of_class() const {
  std::array<uint64_t, kPageClasses> pages{};
  const auto count = [&pages](PageClass page_class, uint64_t more) {
    pages[static_cast<size_t>(page_class)] += more;
  };
  for (uint64_t section = 0; section < sections_; ++section) {
    if (!has_section(section)) continue;
    const uint64_t first = section * kFakeSectionPages, kernel = kernel_pages(section);
    count(PageClass::kernel, kernel);
    for (uint64_t at = align_down(kernel, kSyntheticBlockPages); at < kFakeSectionPages;
         at += kSyntheticBlockPages) {
      // A block that has some of the kernel's pages is cache otherwise.
      const uint64_t taken = kernel - std::min(kernel, at);
      const SyntheticBlock block = taken > 0 ? SyntheticBlock::cache : block_of(first + at);
      if (block != SyntheticBlock::mixed) {
        count(class_in_block(block, first + at), kSyntheticBlockPages - taken);
        continue;
      }
      for (uint64_t page = 0; page < kSyntheticBlockPages; ++page)
        count(class_in_block(block, first + at + page), 1);
    }
  }
  return pages;
}

uint64_t SyntheticMachine::mem_map_of_section(uint64_t pfn) {
  return kMemMap + pfn / kFakeSectionPages * kLargeBytes;
}

Result<> SyntheticMachine::read(uint64_t physical_address, MutableByteSpan out) {
  while (!out.empty()) {
    const uint64_t address = physical_address;
    size_t count = 0;
    if (address >= kMemMap && has_section((address - kMemMap) / kLargeBytes)) {
      count = read_mem_map(address - kMemMap, out);
    } else if (address >= kSections && address < kSections + kSectionsBytes) {
      count = read_sections(address - kSections, out);
    } else if (address >= kTables && address < kTables + kTableBytes) {
      count = read_table(address - kTables, out);
    } else if (has_section(address / kSectionBytes)) {
      count = read_ram(address, out);
    } else {
      return fail(ErrorCode::not_present, "no memory at physical address {:#x}", address);
    }
    physical_address += count;
    out = out.subspan(count);
  }
  return {};
}

// The first page is the table whose entries lead to the others; each of these has an entry for a section.
size_t SyntheticMachine::read_table(uint64_t offset, MutableByteSpan out) const {
  const uint64_t table = offset / kPageSize;
  return copy_entries(offset, out, [&](uint64_t index) -> uint64_t {
    if (table == 0)
      return index * kTableEntries < sections_ ? (kTables + (1 + index) * kPageSize) | kPresent : 0;
    const uint64_t section = (table - 1) * kTableEntries + index;
    return has_section(section) ? (kMemMap + section * kLargeBytes) | kPresent | kLarge : 0;
  });
}

size_t SyntheticMachine::read_sections(uint64_t offset, MutableByteSpan out) const {
  constexpr uint64_t kWords = kSectionStruct / sizeof(uint64_t);
  const uint64_t page = offset / kPageSize, first_of_array = kSectionArray / kPageSize;
  return copy_entries(offset, out, [&](uint64_t index) -> uint64_t {
    if (page < first_of_array) {
      const uint64_t root = page * kTableEntries + index;
      const bool used = root * kSectionsPerRoot < sections_;
      return used ? kSectionsVirtual + kSectionArray + root * kPageSize : 0;
    }
    const uint64_t section = (page - first_of_array) * kSectionsPerRoot + index / kWords;
    // With a vmemmap, the encoded address is the same for every section.
    const bool first_word = index % kWords == 0;
    return first_word && has_section(section) ? FakeKernel::page_address(0) | kSectionFlags : 0;
  });
}

size_t SyntheticMachine::read_ram(uint64_t address, MutableByteSpan out) {
  const uint64_t pfn = address / kPageSize, within = address % kPageSize;
  const MutableByteSpan part = out.first(std::min<uint64_t>(out.size(), kPageSize - within));
  const auto& stored = fake_.memory().pages();
  if (const auto page = stored.find(pfn); page != stored.end()) {
    std::memcpy(part.data(), page->second.data() + within, part.size());
  } else {
    fill_pattern(pfn, within, part);
  }
  return part.size();
}

size_t SyntheticMachine::read_mem_map(uint64_t offset, MutableByteSpan out) const {
  const uint64_t pfn = offset / kFakePageSize, within = offset % kFakePageSize;
  if (within == 0 && out.size() >= kFakePageSize) return make_structs(pfn, out);
  Struct whole;
  make_structs(pfn, whole);
  const size_t count = std::min<uint64_t>(out.size(), kFakePageSize - within);
  std::memcpy(out.data(), whole.data() + within, count);
  return count;
}

size_t SyntheticMachine::make_structs(uint64_t pfn, MutableByteSpan out) const {
  const uint64_t left_of_block = kSyntheticBlockPages - pfn % kSyntheticBlockPages;
  const uint64_t pages = std::min<uint64_t>(left_of_block, out.size() / kFakePageSize);
  out = out.first(pages * kFakePageSize);
  const auto put = [&out](uint64_t index, const Struct& page) {
    std::memcpy(out.data() + index * kFakePageSize, page.data(), kFakePageSize);
  };
  const auto fill = [&](uint64_t first, const Struct& page) {
    for (uint64_t index = first; index < pages; ++index) put(index, page);
  };
  const uint64_t in_section = pfn % kFakeSectionPages, kernel = kernel_pages(pfn / kFakeSectionPages);
  if (align_down(in_section, kSyntheticBlockPages) < kernel) {
    fill(0, cache_);
    for (uint64_t index = 0; index < pages && in_section + index < kernel; ++index) put(index, kernel_);
    return out.size();
  }
  switch (block_of(pfn)) {
    case SyntheticBlock::huge:
      make_huge(pfn, out);
      break;
    case SyntheticBlock::free:
      fill(0, kernel_);
      if (pfn % kSyntheticBlockPages == 0) put(0, free_block_);
      break;
    case SyntheticBlock::cache:
      fill(0, cache_);
      break;
    case SyntheticBlock::user:
      fill(0, user_);
      break;
    case SyntheticBlock::mixed:
      for (uint64_t index = 0; index < pages; ++index) {
        const PageClass use = kMixture[place_in_mixture(pfn + index)];
        put(index, use == PageClass::cache           ? cache_
                   : use == PageClass::cache_private ? cache_private_
                   : use == PageClass::user          ? user_
                                                     : free_page_);
      }
      break;
  }
  return out.size();
}

void SyntheticMachine::make_huge(uint64_t pfn, MutableByteSpan out) const {
  constexpr uint64_t kCompoundHead = 8;  // as FakeKernel's VMCOREINFO has it
  const uint64_t head = FakeKernel::page_address(align_down(pfn, kSyntheticBlockPages)) | 1;
  const uint64_t pages = out.size() / kFakePageSize;
  for (uint64_t index = 0; index < pages; ++index) {
    const uint64_t in_block = (pfn + index) % kSyntheticBlockPages;
    const Struct& page = in_block == 0 ? huge_head_ : in_block == 1 ? huge_first_tail_ : huge_tail_;
    std::byte* const at = out.data() + index * kFakePageSize;
    std::memcpy(at, page.data(), kFakePageSize);
    if (in_block != 0) std::memcpy(at + kCompoundHead, &head, sizeof head);
  }
}

}  // namespace lifeboat::test
