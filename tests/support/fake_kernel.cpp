// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/fake_kernel.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

constexpr uint64_t kKernelMap = 0xffffffff80000000;
constexpr uint64_t kVmemmap4 = 0xffffea0000000000;
constexpr uint64_t kPresent = 0x63;  // present, writable, accessed, dirty
constexpr uint64_t kLarge = 0x80;
constexpr uint64_t kSectionStruct = 32;
constexpr uint64_t kSectionFlags = 0xf;  // present, has a mem_map, online, early

}  // namespace

Result<> SparseMemory::read(uint64_t address, MutableByteSpan out) {
  while (!out.empty()) {
    const uint64_t pfn = address / kPageSize;
    if (const auto failure = failures_.find(pfn); failure != failures_.end())
      return fail(failure->second, "page {:#x} was made to fail", pfn);
    const auto page = pages_.find(pfn);
    if (page == pages_.end()) return fail(ErrorCode::not_present, "no page {:#x}", pfn);
    const size_t count = std::min<uint64_t>(out.size(), kPageSize - address % kPageSize);
    std::memcpy(out.data(), page->second.data() + address % kPageSize, count);
    address += count;
    out = out.subspan(count);
  }
  return {};
}

void SparseMemory::write(uint64_t address, ByteSpan bytes) {
  while (!bytes.empty()) {
    auto& page = pages_[address / kPageSize];
    page.resize(kPageSize);
    const size_t count = std::min<uint64_t>(bytes.size(), kPageSize - address % kPageSize);
    std::memcpy(page.data() + address % kPageSize, bytes.data(), count);
    address += count;
    bytes = bytes.subspan(count);
  }
}

FakeKernel::FakeKernel(const FakeKernelOptions& options) : options_(options) {
  root_ = to_physical(kKernelMap);
  next_physical_ = root_ + kPageSize;
  memory_.write(root_, std::vector<std::byte>(kPageSize));
  // As the kernel: its image by large pages, from the start of the kernel's map.
  for (uint64_t at = 0; at < options_.ram_bytes - kFakePhysBase; at += uint64_t{2} << 20)
    map(kKernelMap + at, kFakePhysBase + at, uint64_t{2} << 20);
  make_log_pointer();
  uts_ = allocate(512);
  make_mem_map();
  add_keys();
  set_log({});
  set_utsname({"Linux", "node", "6.12.0-fake", "#1 SMP", "x86_64", "(none)"});
}

uint64_t FakeKernel::to_physical(uint64_t virtual_address) {
  return virtual_address - kKernelMap + kFakePhysBase;
}
uint64_t FakeKernel::to_virtual(uint64_t physical_address) const {
  return physical_address - kFakePhysBase + kKernelMap;
}

uint64_t FakeKernel::allocate(uint64_t bytes) {
  const uint64_t address = next_physical_;
  next_physical_ += align_up(bytes, kPageSize);
  assert(next_physical_ <= options_.ram_bytes);
  memory_.write(address, std::vector<std::byte>(next_physical_ - address));
  return to_virtual(address);
}

uint64_t FakeKernel::entry_address(uint64_t virtual_address, unsigned level) {
  uint64_t table = root_;
  for (unsigned at = options_.levels - 1;; --at) {
    const uint64_t entry = table + ((virtual_address >> (kPageShift + 9 * at)) & 0x1ff) * sizeof(uint64_t);
    if (at == level) return entry;
    uint64_t value = 0;
    (void)memory_.read(entry, std::as_writable_bytes(std::span(&value, 1)));
    if (value == 0) {
      value = to_physical(allocate(kPageSize)) | kPresent | options_.sme_mask;
      memory_.write64(entry, value);
    }
    table = value & 0xffffffffff000 & ~options_.sme_mask;
  }
}

void FakeKernel::map(uint64_t virtual_address, uint64_t physical_address, uint64_t page_bytes) {
  const unsigned level = page_bytes == kPageSize ? 0 : page_bytes == uint64_t{2} << 20 ? 1 : 2;
  const uint64_t large = level == 0 ? 0 : kLarge;
  memory_.write64(entry_address(virtual_address, level),
                  physical_address | kPresent | large | options_.sme_mask);
}

// Through the kernel's map of itself, or through the vmemmap; both are contiguous in physical memory.
void FakeKernel::write(uint64_t virtual_address, ByteSpan bytes) {
  if (virtual_address >= kKernelMap) {
    memory_.write(to_physical(virtual_address), bytes);
    return;
  }
  auto kernel = open();
  while (!bytes.empty()) {
    const size_t count = std::min<uint64_t>(bytes.size(), kPageSize - virtual_address % kPageSize);
    memory_.write(kernel.translate(virtual_address).value(), bytes.first(count));
    virtual_address += count;
    bytes = bytes.subspan(count);
  }
}

uint64_t FakeKernel::page_address(uint64_t pfn) {
  return kVmemmap4 + pfn * kFakePageSize;
}

void FakeKernel::make_mem_map() {
  const uint64_t bytes = align_up(ram_pages() * kFakePageSize, kPageSize);
  const uint64_t array = allocate(bytes);
  mem_map_ = to_physical(array);
  for (uint64_t at = 0; at < bytes; at += kPageSize) map(page_address(0) + at, to_physical(array) + at);
  sections_ = allocate(kPageSize);
  uint64_t root = sections_;
  if (options_.sparsemem_extreme) {
    root = allocate(kPageSize);
    write64(root, sections_);
  }
  set_key("SYMBOL(mem_section)", fmt::format("{:x}", root));
  set_section(0, page_address(0) | kSectionFlags);
  for (uint64_t pfn = 0; pfn < ram_pages(); ++pfn) {
    const uint64_t address = to_physical(array) + pfn * kFakePageSize;
    const uint32_t no_type = 0xffffffff;
    memory_.write(address + 48, object_bytes(no_type));
  }
}

void FakeKernel::add_section(uint64_t number) {
  const uint64_t first = page_address(number * kFakeSectionPages);
  const uint64_t bytes = kFakeSectionPages * kFakePageSize;
  const uint64_t array = to_physical(allocate(bytes));
  for (uint64_t at = 0; at < bytes; at += kPageSize) map(first + at, array + at);
  constexpr uint32_t kNoType = 0xffffffff;
  for (uint64_t at = 0; at < bytes; at += kFakePageSize)
    memory_.write(array + at + 48, object_bytes(kNoType));
  set_section(number, page_address(0) | kSectionFlags);
}

void FakeKernel::add_optimised_compound(uint64_t pfn, unsigned order, FakePage head) {
  constexpr uint64_t kStructsInPage = kPageSize / kFakePageSize;
  const uint64_t pages = uint64_t{1} << order;
  const uint64_t own = to_physical(allocate(2 * kPageSize)), shared = own + kPageSize;
  for (uint64_t at = 0; at < pages; at += kStructsInPage) map(page_address(pfn + at), at == 0 ? own : shared);
  set_compound(pfn, std::countr_zero(2 * kStructsInPage), head);
  FakePage first_tail{.flags = order, .compound_head = page_address(pfn) | 1};
  set_page(pfn + 1, first_tail);
  for (uint64_t section = pfn / kFakeSectionPages; section < (pfn + pages) / kFakeSectionPages; ++section)
    set_section(section, page_address(0) | kSectionFlags);
}

void FakeKernel::set_section(uint64_t number, uint64_t section_mem_map) {
  write64(sections_ + number * kSectionStruct, section_mem_map);
}

void FakeKernel::set_page(uint64_t pfn, const FakePage& page) {
  std::array<std::byte, kFakePageSize> bytes{};
  const auto put = [&bytes](size_t offset, auto value) { std::memcpy(&bytes[offset], &value, sizeof value); };
  put(0, page.flags);
  put(8, page.compound_head);
  put(24, page.mapping);
  put(40, page.private_data);
  put(48, page.mapcount);
  write(page_address(pfn), bytes);
}

void FakeKernel::set_compound(uint64_t pfn, unsigned order, FakePage head) {
  head.flags |= kFakeHead;
  set_page(pfn, head);
  for (uint64_t tail = 1; tail < uint64_t{1} << order; ++tail) {
    FakePage page;
    page.compound_head = page_address(pfn) | 1;
    if (tail == 1) page.flags = order;
    set_page(pfn + tail, page);
  }
}

void FakeKernel::set_utsname(const Utsname& uts) {
  std::array<std::byte, 4 + 6 * 65> bytes{};
  size_t offset = 4;
  for (const auto* field :
       {&uts.sysname, &uts.nodename, &uts.release, &uts.version, &uts.machine, &uts.domainname}) {
    std::memcpy(&bytes[offset], field->data(), std::min<size_t>(field->size(), 65));
    offset += 65;
  }
  write(uts_, bytes);
}

void FakeKernel::add_keys() {
  const std::map<std::string, std::string> keys = {
      {"OSRELEASE", "6.12.0-fake"},
      {"CRASHTIME", "1700000000"},
      {"PAGESIZE", "4096"},
      {"SYMBOL(swapper_pg_dir)", fmt::format("{:x}", to_virtual(root_))},
      {"SYMBOL(init_top_pgt)", fmt::format("{:x}", to_virtual(root_))},
      {"SYMBOL(_stext)", "ffffffff80000000"},
      {"SYMBOL(init_uts_ns)", fmt::format("{:x}", uts_)},
      {"OFFSET(uts_namespace.name)", "4"},
      {"NUMBER(phys_base)", std::to_string(kFakePhysBase)},
      {"NUMBER(pgtable_l5_enabled)", options_.levels == 5 ? "1" : "0"},
      {"NUMBER(sme_mask)", std::to_string(options_.sme_mask)},
      {"SIZE(page)", std::to_string(kFakePageSize)},
      {"SIZE(mem_section)", std::to_string(kSectionStruct)},
      {"OFFSET(mem_section.section_mem_map)", "0"},
      // 46 bits: 2^19 sections, 128 a root. Flat: 8 sections, enough for one page.
      {"LENGTH(mem_section)", options_.sparsemem_extreme ? "4096" : "8"},
      {"NUMBER(SECTION_SIZE_BITS)", "27"},
      {"NUMBER(MAX_PHYSMEM_BITS)", options_.sparsemem_extreme ? "46" : "30"},
      {"OFFSET(page.flags)", "0"},
      {"OFFSET(page.compound_head)", "8"},
      {"OFFSET(page.mapping)", "24"},
      {"OFFSET(page.private)", "40"},
      {"OFFSET(page._mapcount)", "48"},
      {"LENGTH(zone.free_area)", "11"},
      {"NUMBER(PG_lru)", "5"},
      {"NUMBER(PG_head_mask)", "64"},
      {"NUMBER(PG_swapcache)", "10"},
      {"NUMBER(PG_private)", "13"},
      {"NUMBER(PG_swapbacked)", "17"},
      {"NUMBER(PG_hwpoison)", "21"},
      {"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", std::to_string(static_cast<int32_t>(kFakeBuddy))},
      {"NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)", std::to_string(static_cast<int32_t>(kFakeOffline))},
      {"NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)", std::to_string(static_cast<int32_t>(kFakeHugetlb))},
      {"NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)", std::to_string(static_cast<int32_t>(kFakeSlab))},
      {"NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)", std::to_string(static_cast<int32_t>(kFakeUnaccepted))},
  };
  keys_.insert(keys.begin(), keys.end());
}

}  // namespace lifeboat::test
