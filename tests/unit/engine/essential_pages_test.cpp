// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/essential_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "capture/engine/pfn_ranges.h"
#include "src/base/size.h"
#include "tests/support/kallsyms_builder.h"
#include "tests/support/toy_kernel.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kMap = 0xffffffff80000000;  // where the fake kernel's image begins, _text
constexpr uint64_t kDirectMap = 0xffff888000000000;
constexpr uint64_t kFirst = kFakePhysBase / kPageSize;

// A kernel of two CPUs, whose per-CPU areas and image lie in the fake kernel's memory.
class Essential : public testing::Test {
 protected:
  Essential() {
    mask_ = fake_.allocate(kPageSize);
    offsets_ = fake_.allocate(kPageSize);
    ids_ = fake_.allocate(kPageSize);
    fake_.write64(mask_, 0b101);
    fake_.write64(offsets_, kMap + 10_MiB);
    fake_.write64(offsets_ + 8, kMap + 11_MiB);  // of a CPU that is not possible
    fake_.write64(offsets_ + 16, kMap + 12_MiB);
    fake_.write32(ids_, 3);
    symbols_ = {{"_text", kMap},           {"_end", kMap + 6_MiB},         {"__per_cpu_start", 0},
                {"__per_cpu_end", 0x2800}, {"__cpu_possible_mask", mask_}, {"__per_cpu_offset", offsets_},
                {"nr_cpu_ids", ids_}};
  }
  void put_symbols() {
    auto all = sample_symbols(fake_);
    std::erase_if(all, [this](const Symbol& symbol) {
      return symbol.name == "_text" || symbol.name == "_end" || symbol.name.starts_with("__per_cpu") ||
             symbols_.contains(symbol.name);
    });
    // Per-CPU ones are numbers, not addresses.
    for (const auto& [name, address] : symbols_)
      all.push_back({name, address, address < kDirectMap ? 'A' : 'D', ""});
    std::ranges::stable_sort(all, {}, &Symbol::address);
    put_kallsyms(fake_, all);
  }
  EssentialPages find() {
    put_symbols();
    const auto kernel = fake_.open();
    auto found = find_essential_pages(kernel);
    expect_in_order(found);
    return found;
  }
  static void expect_in_order(const EssentialPages& found) {
    for (size_t at = 0; at < found.ranges.size(); ++at) {
      EXPECT_LT(found.ranges[at].first, found.ranges[at].end);
      if (at > 0) {
        EXPECT_GT(found.ranges[at].first, found.ranges[at - 1].end);
      }
    }
  }
  static bool has(const EssentialPages& found, uint64_t pfn) {
    return !overlapping(found.ranges, pfn, pfn + 1).empty();
  }
  // All pages from `first` on, counted from the image's first, have this.
  static void expect_pages(const EssentialPages& found, uint64_t first_byte, uint64_t end_byte, bool value) {
    for (uint64_t at = first_byte; at < end_byte; at += kPageSize)
      ASSERT_EQ(has(found, kFirst + at / kPageSize), value) << std::hex << at;
  }

  FakeKernel fake_;
  uint64_t mask_ = 0, offsets_ = 0, ids_ = 0;
  std::map<std::string, uint64_t> symbols_;
};

TEST_F(Essential, TheImage) {
  const auto found = find();
  EXPECT_THAT(found.warnings, IsEmpty());
  expect_pages(found, 0, 6_MiB, true);
  expect_pages(found, 6_MiB, 10_MiB, false);
  EXPECT_FALSE(has(found, kFirst - 1));
}

TEST_F(Essential, NotWhatTheKernelGaveBack) {
  symbols_["__init_begin"] = kMap + 2_MiB + 0x800;
  symbols_["__init_end"] = kMap + 3_MiB + 0x800;
  symbols_["_etext"] = kMap + 4_MiB;
  symbols_["__start_rodata"] = kMap + 4_MiB + 0x3000;
  symbols_["__end_rodata"] = kMap + 0x5000;
  const uint64_t brk_end = fake_.allocate(kPageSize);
  fake_.write64(brk_end, kMap + 5_MiB + 0x7001);
  symbols_["_brk_end"] = brk_end;
  symbols_["__brk_base"] = kMap + 5_MiB;
  symbols_["__brk_limit"] = kMap + 6_MiB;
  const auto found = find();
  EXPECT_THAT(found.warnings, IsEmpty());
  // A page that is the kernel's in part stays.
  expect_pages(found, 0, 2_MiB + 0x1000, true);
  expect_pages(found, 2_MiB + 0x1000, 3_MiB, false);
  expect_pages(found, 3_MiB, 4_MiB, true);
  expect_pages(found, 4_MiB, 4_MiB + 0x3000, false);
  expect_pages(found, 4_MiB + 0x3000, 5_MiB + 0x8000, true);
  expect_pages(found, 5_MiB + 0x8000, 6_MiB, false);
}

// A damaged variable must not cost the image.
TEST_F(Essential, TheEndOfTheEarlyAllocatorIsNotTrusted) {
  const uint64_t brk_end = fake_.allocate(kPageSize);
  symbols_["_brk_end"] = brk_end;
  symbols_["__brk_base"] = kMap + 5_MiB;
  symbols_["__brk_limit"] = kMap + 6_MiB;
  for (const uint64_t value : {uint64_t{0}, kMap, kMap + 6_MiB + 1, ~uint64_t{0}}) {
    fake_.write64(brk_end, value);
    expect_pages(find(), 0, 6_MiB, true);
  }
}

TEST_F(Essential, PagesOfTheImageThatAreNotMapped) {
  // The kernel unmaps what it gave back.
  fake_.memory().write64(fake_.entry_address(kMap + 4_MiB, 1), 0);
  const auto found = find();
  EXPECT_THAT(found.warnings, IsEmpty());
  expect_pages(found, 0, 4_MiB, true);
  expect_pages(found, 4_MiB, 6_MiB, false);
}

TEST_F(Essential, PerCpuAreasOfPossibleCpus) {
  const auto found = find();
  EXPECT_THAT(found.warnings, IsEmpty());
  // The variables, and 36 KiB behind them.
  for (const uint64_t area : {10_MiB, 12_MiB}) {
    expect_pages(found, area, area + 0x2800 + 36_KiB, true);
    expect_pages(found, area + 0xc000, area + 1_MiB, false);
  }
  expect_pages(found, 11_MiB, 12_MiB, false);
}

TEST_F(Essential, PerCpuAreasThatCannotBe) {
  symbols_["__per_cpu_end"] = 5_MiB;
  EXPECT_THAT(find().warnings, ElementsAre(HasSubstr("per-CPU areas cannot have 5242880 bytes")));
  symbols_["__per_cpu_end"] = 0x2800;
  fake_.write64(offsets_ + 16, ~uint64_t{0} - 0x1000);
  EXPECT_THAT(find().warnings, ElementsAre(HasSubstr("10240 bytes of the per-CPU areas of 2 CPUs are not")));
  fake_.write64(offsets_ + 16, kDirectMap);
  const auto found = find();
  EXPECT_THAT(found.warnings, ElementsAre(HasSubstr("are not mapped")));
  expect_pages(found, 10_MiB, 10_MiB + 0xc000, true);
}

TEST_F(Essential, SymbolsThatAreMissingAreNamed) {
  symbols_.erase("__per_cpu_offset");
  EXPECT_THAT(find().warnings, ElementsAre(HasSubstr("__per_cpu_offset")));
  symbols_.erase("__per_cpu_end");
  symbols_["__per_cpu_offset"] = offsets_;
  EXPECT_THAT(find().warnings, ElementsAre(HasSubstr("__per_cpu_end")));
}

// Then what is mapped around _stext is the image.
TEST_F(Essential, WithoutTheBoundsOfTheImage) {
  for (const char* change : {"no _end", "end before _text", "too large"}) {
    FakeKernel fresh;
    fake_ = fresh;
    symbols_ = {{"_text", kMap}, {"_end", kMap + 6_MiB}};
    if (change == std::string("no _end")) symbols_.erase("_end");
    if (change == std::string("end before _text")) symbols_["_end"] = kMap - 1;
    if (change == std::string("too large")) fake_.set_key("NUMBER(KERNEL_IMAGE_SIZE)", "4194304");
    const auto found = find();
    EXPECT_THAT(found.warnings, Contains(HasSubstr("is taken for what is mapped at _stext"))) << change;
    const uint64_t end = change == std::string("too large") ? 4_MiB : 16_MiB;
    expect_pages(found, 0, end, true);
  }
}

TEST_F(Essential, WithoutAnySymbols) {
  const auto kernel = fake_.open();
  const auto found = find_essential_pages(kernel);
  expect_in_order(found);
  EXPECT_THAT(found.warnings, ElementsAre(HasSubstr("the kernel's symbols are missing")));
  expect_pages(found, 0, 16_MiB, true);
  FakeKernel other;
  other.remove_key("SYMBOL(_stext)");
  const auto without = other.open();
  EXPECT_THAT(find_essential_pages(without).warnings, Contains(HasSubstr("no SYMBOL(_stext)")));
}

// Head and gaps of an image that is mapped page by page.
TEST_F(Essential, AnImageWithoutSymbolsEndsAtALargeGap) {
  FakeKernel fake;
  constexpr uint64_t kElsewhere = 0xffffffffa0000000;
  for (const uint64_t page : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{500}, uint64_t{5000}})
    fake.map(kElsewhere + page * kPageSize, page * kPageSize);
  fake.set_key("SYMBOL(_stext)", fmt::format("{:x}", kElsewhere + 3 * kPageSize + 16));
  const auto kernel = fake.open();
  const auto found = find_essential_pages(kernel);
  for (const uint64_t page : {1, 2, 3, 500}) EXPECT_TRUE(has(found, page)) << page;
  EXPECT_FALSE(has(found, 5000)) << "behind a gap of 8 MiB is something else";
}

TEST_F(Essential, ThePageTables) {
  fake_.map(kDirectMap, 5 * kPageSize);
  symbols_["_end"] = kMap + kPageSize;  // so that they are not the image
  const auto found = find();
  EXPECT_THAT(found.warnings, IsEmpty());
  for (unsigned level = 0; level < 4; ++level)
    EXPECT_TRUE(has(found, fake_.entry_address(kDirectMap, level) / kPageSize)) << level;
  EXPECT_FALSE(has(found, 5)) << "a page that they map";
}

TEST_F(Essential, PageTablesThatCannotBeRead) {
  fake_.map(kDirectMap, 5 * kPageSize);
  put_symbols();
  fake_.memory().fail_page(fake_.entry_address(kDirectMap, 1), ErrorCode::lost);
  const auto kernel = fake_.open();
  EXPECT_THAT(find_essential_pages(kernel).warnings, ElementsAre(HasSubstr("1 page tables cannot be read")));
}

// Tables without end, each leading to others: the search ends.
TEST_F(Essential, MorePageTablesThanAnyMachineHas) {
  class EndlessTables final : public PhysicalMemory {
   public:
    explicit EndlessTables(SparseMemory& memory) : memory_(memory) {}
    Result<> read(uint64_t address, MutableByteSpan out) override {
      if (address < 1_GiB) return memory_.read(address, out);
      ++reads;
      for (size_t at = 0; at + 8 <= out.size(); at += 8) {
        const uint64_t entry = (address % 1_GiB * 512 + (at / 8) * kPageSize) % (uint64_t{1} << 50) + 1_GiB;
        const uint64_t present = align_down(entry, kPageSize) | 0x63;
        std::memcpy(&out[at], &present, sizeof present);
      }
      return {};
    }
    size_t reads = 0;

   private:
    SparseMemory& memory_;
  };
  put_symbols();
  for (uint64_t entry = 0; entry < 256; ++entry) {
    const uint64_t root = align_down(fake_.entry_address(kMap, 3), kPageSize);
    fake_.memory().write64(root + entry * 8, ((1_GiB + entry * kPageSize) | 0x63));
  }
  EndlessTables memory(fake_.memory());
  const auto kernel = KernelMemory::create(memory, x86_64::architecture(), fake_.vmcoreinfo()).value();
  const auto found = find_essential_pages(kernel);
  EXPECT_THAT(found.warnings, ElementsAre(HasSubstr("more than 65536 page tables")));
  EXPECT_LE(found.ranges.size(), kMaxEssentialRanges);
  EXPECT_LT(memory.reads, 4U * 65536);
}

// Another architecture, other pages.
TEST(EssentialOfAnotherArchitecture, ImageAndPageTable) {
  ToyKernel toy;
  const auto kernel = toy.open().value();
  const auto found = find_essential_pages(kernel);
  const uint64_t table = static_cast<uint64_t>(kernel.vmcoreinfo().number(toy::kTableKey).value());
  EXPECT_FALSE(overlapping(found.ranges, table / toy::kPageBytes, table / toy::kPageBytes + 1).empty());
  const uint64_t function = ToyKernel::to_physical(toy.symbols.at("toy_driver_write")) / toy::kPageBytes;
  EXPECT_FALSE(overlapping(found.ranges, function, function + 1).empty());
}

}  // namespace
}  // namespace lifeboat::test
