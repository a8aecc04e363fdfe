// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <random>
#include <span>

#include "capture/engine/bitmap.h"
#include "src/base/size.h"
#include "tests/support/fake_pages.h"
#include "tests/support/results.h"
#include "tests/support/sanitized.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::FakeBlock;
using test::FakeKernel;
using test::FakeUse;
using test::set_block;

TEST(PageFilter, WithoutAKernelKeepsAllRam) {
  const std::vector<PhysicalRange> ram = {{2 * kPageSize, 5 * kPageSize}, {9 * kPageSize, 13 * kPageSize}};
  PageFilter filter(ram, 13, {});
  ChunkBits bits;
  ASSERT_TRUE(filter.scan(0, bits));
  EXPECT_EQ(bits.ram.size(), 2u);
  EXPECT_EQ(bits.stored, bits.ram);
  for (uint64_t pfn = 0; pfn < 16; ++pfn)
    EXPECT_EQ(test_bit(bits.ram, pfn), (pfn >= 2 && pfn < 5) || (pfn >= 9 && pfn < 13)) << pfn;
  EXPECT_EQ(filter.statistics().ram_pages, 7u);
  EXPECT_EQ(filter.statistics().stored_pages, 7u);
  EXPECT_TRUE(filter.warnings().empty());
}

TEST(PageFilter, PageThatIsRamInPartCounts) {
  const std::vector<PhysicalRange> ram = {{kPageSize + 100, 2 * kPageSize + 1}};
  PageFilter filter(ram, 8, {});
  ChunkBits bits;
  ASSERT_TRUE(filter.scan(0, bits));
  EXPECT_EQ(bits.ram[0], std::byte{0b110});
}

// A stretch over the border of two chunks is in both, and nothing of an old chunk stays.
TEST(PageFilter, ChunksMeetWithoutGapOrOverlap) {
  const std::vector<PhysicalRange> ram = {{(kChunkPages - 3) * kPageSize, (kChunkPages + 2) * kPageSize}};
  const uint64_t max_pfn = kChunkPages + 100;
  PageFilter filter(ram, max_pfn, {});
  ChunkBits bits;
  ASSERT_TRUE(filter.scan(0, bits));
  EXPECT_EQ(bits.ram.size(), kChunkPages / 8);
  EXPECT_EQ(count_bits(bits.ram), 3u);
  EXPECT_TRUE(test_bit(bits.ram, kChunkPages - 1));
  ASSERT_TRUE(filter.scan(kChunkPages, bits));
  EXPECT_EQ(bits.first_pfn, kChunkPages);
  EXPECT_EQ(bits.ram.size(), divide_up(100, 8));
  EXPECT_EQ(count_bits(bits.ram), 2u);
  EXPECT_EQ(filter.statistics().ram_pages, 5u);
}

// Between two chunks, and behind most of the machine.
constexpr uint64_t kBorder = uint64_t{1} << 20;
static_assert(kBorder % kChunkPages == 0);

// A machine: memory on both sides of a chunk's border, holes, and blocks of every use.
//
//   section 0     the fake kernel's own RAM
//   1, 3, 31, 40  blocks
//   2, 4          RAM without a mem_map
//   32 to 39      one huge page of 1 GiB, which begins where the second chunk does
class Machine {
 public:
  Machine() {
    for (const uint64_t number : {1, 3, 31, 40}) fake.add_section(number);
    const FakeUse all[] = {FakeUse::kernel,  FakeUse::cache, FakeUse::cache_private, FakeUse::swap_cache,
                           FakeUse::user,    FakeUse::slab,  FakeUse::poisoned,      FakeUse::offline,
                           FakeUse::hugetlb, FakeUse::free};
    uint64_t pfn = section(1);
    // Single pages, neighbours of another use each; a lone hugetlb page does not exist.
    for (const FakeUse use : all)
      if (use != FakeUse::hugetlb) add({pfn++, 0, use});
    pfn = section(1) + 64;
    for (const unsigned order : {1, 3, 6, 9}) {
      for (const FakeUse use : all) {
        if (use == FakeUse::poisoned || use == FakeUse::offline) continue;
        pfn = align_up(pfn, uint64_t{1} << order);
        add({pfn, order, use});
        pfn += uint64_t{1} << order;
      }
    }
    add({section(1) + 16384, 10, FakeUse::unaccepted});
    add({section(1) + 20480, 0, FakeUse::user});  // behind the hole in unaccepted memory

    // Compound pages and free blocks that a hole cuts: its middle, its head, its end.
    uint64_t at = section(3);
    for (const FakeUse use : {FakeUse::user, FakeUse::cache, FakeUse::slab, FakeUse::free}) {
      for (const auto& [first, count] : {std::pair<uint64_t, uint64_t>{100, 200}, {0, 7}, {500, 12}}) {
        add({at, 9, use});
        holes.push_back({at + first, at + first + count});
        at += 1024;
      }
    }
    // Up to the border, and from the border on.
    add({section(31) + 16384, 9, FakeUse::hugetlb});
    add({kBorder - 512, 9, FakeUse::user});
    add({section(40), 10, FakeUse::free});
    add({section(40) + 1024, 0, FakeUse::cache});
    huge_ = {kBorder, 18, FakeUse::hugetlb};
    fake.add_optimised_compound(huge_.pfn, huge_.order, test::fake_page(huge_.use));
    blocks.push_back(huge_);
    holes.push_back({kBorder + 5, kBorder + 100'000});

    // A broken page in the middle of each sort of compound page, and in the first tail.
    at = section(31);
    for (const FakeUse use : {FakeUse::user, FakeUse::cache, FakeUse::slab, FakeUse::kernel}) {
      for (const uint64_t tail : {1, 300, 511}) {
        const FakeBlock block{at, 9, use};
        add(block);
        test::poison_tail(fake, block, at + tail);
        blocks.push_back({at + tail, 0, FakeUse::poisoned});
        at += 512;
      }
    }
    // Two pages of mem_map that are not in the dump: of single pages, and of the tails of a huge page.
    for (uint64_t page = 0; page < 64; ++page) add({section(3) + 16384 + page, 0, FakeUse::cache});
    lose_map_of(section(3) + 16384);
    for (uint64_t page = 0; page < 64; ++page)
      blocks.push_back({section(3) + 16384 + page, 0, FakeUse::kernel});
    const FakeBlock part_lost{section(3) + 17408, 9, FakeUse::user};
    add(part_lost);
    lose_map_of(part_lost.pfn + 128);
    test::poison_tail(fake, part_lost, part_lost.pfn + 400);
    blocks.push_back({part_lost.pfn + 400, 0, FakeUse::poisoned});
    lay_out();
  }

  static uint64_t section(uint64_t number) { return number * test::kFakeSectionPages; }
  [[nodiscard]] uint64_t max_pfn() const { return section(40) + 3000; }

  FakeKernel fake{{.ram_bytes = 128_MiB}};
  std::vector<FakeBlock> blocks;  // a later one takes the place of what an earlier one said
  std::vector<std::pair<uint64_t, uint64_t>> holes;
  std::vector<PhysicalRange> ram;
  // By page frame.
  std::vector<FakeUse> uses;
  std::vector<bool> present;

 private:
  void add(const FakeBlock& block) {
    set_block(fake, block);
    blocks.push_back(block);
  }
  void lose_map_of(uint64_t pfn) {
    const auto kernel = fake.open();
    fake.memory().fail_page(kernel.translate(FakeKernel::page_address(pfn)).value(), ErrorCode::lost);
  }
  void lay_out() {
    uses.assign(max_pfn(), FakeUse::kernel);
    for (const auto& block : blocks)
      for (uint64_t pfn = block.pfn; pfn < std::min(block.pfn + block.pages(), max_pfn()); ++pfn)
        uses[pfn] = block.use;
    holes.push_back({160, 256});                      // the classical one below 1 MiB
    holes.push_back({section(4) + 77, section(31)});  // nothing up to there
    std::ranges::sort(holes);
    present.assign(max_pfn(), true);
    uint64_t from = 0;
    for (const auto& [first, end] : holes) {
      ram.push_back({from * kPageSize, first * kPageSize});
      from = end;
      for (uint64_t pfn = first; pfn < end; ++pfn) present[pfn] = false;
    }
    ram.push_back({from * kPageSize, max_pfn() * kPageSize});
    std::erase_if(ram, [](const PhysicalRange& range) { return range.start == range.end; });
  }
  FakeBlock huge_;
};

// makedumpfile(8), -d; what is broken or not there is never read.
bool leaves_out(int level, FakeUse use) {
  switch (use) {
    case FakeUse::kernel:
    case FakeUse::slab:
      return false;
    case FakeUse::cache:
    case FakeUse::swap_cache:
      return (level & 2) != 0 || (level & 4) != 0;
    case FakeUse::cache_private:
      return (level & 4) != 0;
    case FakeUse::user:
    case FakeUse::hugetlb:
      return (level & 8) != 0;
    case FakeUse::free:
    case FakeUse::unaccepted:
      return (level & 16) != 0;
    case FakeUse::poisoned:
    case FakeUse::offline:
      return true;
  }
  return false;
}

PageClass class_of(FakeUse use) {
  switch (use) {
    case FakeUse::kernel:
    case FakeUse::slab:
      return PageClass::kernel;
    case FakeUse::cache:
    case FakeUse::swap_cache:
      return PageClass::cache;
    case FakeUse::cache_private:
      return PageClass::cache_private;
    case FakeUse::user:
    case FakeUse::hugetlb:
      return PageClass::user;
    case FakeUse::free:
      return PageClass::free;
    case FakeUse::unaccepted:
      return PageClass::unaccepted;
    case FakeUse::poisoned:
      return PageClass::poisoned;
    case FakeUse::offline:
      return PageClass::offline;
  }
  return PageClass::kernel;
}

// What was put into the mem_map and what the filter makes of it, page by page and in its statistics. Below
// `first_ram` there is no RAM: bytes of bits are looked at there, not page after page.
void expect_filtered(const std::vector<FakeUse>& uses, const std::vector<bool>& present, uint64_t first_ram,
                     int level, PageFilter& filter) {
  const uint64_t max_pfn = uses.size();
  FilterStatistics expected;
  ChunkBits bits;
  for (uint64_t first = 0; first < max_pfn; first += kChunkPages) {
    ASSERT_TRUE(filter.scan(first, bits));
    EXPECT_EQ(bits.first_pfn, first);
    const uint64_t end = std::min(first + kChunkPages, max_pfn);
    EXPECT_EQ(bits.ram.size(), divide_up(end - first, 8));
    EXPECT_EQ(bits.stored.size(), bits.ram.size());
    const uint64_t below = std::clamp(first_ram, first, end) - first;
    for (const auto* set : {&bits.ram, &bits.stored}) {
      ASSERT_TRUE(std::ranges::all_of(std::span(*set).first(below / 8), [](std::byte byte) {
        return byte == std::byte{0};
      })) << fmt::format("a page frame below {:#x}", first_ram);
    }
    for (uint64_t pfn = first + below / 8 * 8; pfn < end; ++pfn) {
      const bool ram = present[pfn];
      const bool stored = ram && !leaves_out(level, uses[pfn]);
      // An assertion for each of a million pages would take most of the test's time.
      if (test_bit(bits.ram, pfn - first) != ram || test_bit(bits.stored, pfn - first) != stored) {
        FAIL() << fmt::format("page frame {:#x} of use {}: RAM should be {}, stored should be {}", pfn,
                              static_cast<int>(uses[pfn]), ram, stored);
      }
      if (!ram) continue;
      ++expected.ram_pages;
      if (stored) ++expected.stored_pages;
      ++expected.pages_of_class[static_cast<size_t>(class_of(uses[pfn]))];
    }
  }
  EXPECT_EQ(filter.statistics().ram_pages, expected.ram_pages);
  EXPECT_EQ(filter.statistics().stored_pages, expected.stored_pages);
  EXPECT_EQ(filter.statistics().pages_of_class, expected.pages_of_class);
}

uint64_t present_in_sections(const Machine& machine, std::initializer_list<uint64_t> sections) {
  uint64_t present = 0;
  for (const uint64_t section : sections)
    for (uint64_t pfn = Machine::section(section); pfn < Machine::section(section + 1); ++pfn)
      present += pfn < machine.present.size() && machine.present[pfn] ? 1 : 0;
  return present;
}

// One test for all: making the machine takes longer than looking at it.
TEST(PageFilter, KeepsAndLeavesOutWhatEachLevelIsFor) {
  Machine machine;
  const auto kernel = machine.fake.open();
  // The sanitizers see the same code at any level.
  for (int level = 0; level < 32; level += test::kSanitized ? 31 : 1) {
    SCOPED_TRACE(level);
    auto filter = PageFilter::create(kernel, machine.ram, machine.max_pfn(), {}, level).value();
    expect_filtered(machine.uses, machine.present, 0, level, filter);
    // Sections 2, and 4 to 30.
    EXPECT_EQ(filter.statistics().sections_without_map, 28U);
    EXPECT_EQ(filter.statistics().pages_without_map, present_in_sections(machine, {2, 4}));
    EXPECT_EQ(filter.statistics().unreadable_pages, 64U);
    EXPECT_EQ(filter.warnings().size(), 2U);
  }
}

// Blocks of any use and order, side by side, with holes anywhere.
TEST(PageFilter, OfAnyLayout) {
  const uint32_t layouts = test::kSanitized ? 1 : 6;
  for (uint32_t seed = 1; seed <= layouts; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto below = [&random](uint64_t bound) { return random() % bound; };
    FakeKernel fake({.ram_bytes = 128_MiB});
    const uint64_t first = Machine::section(31), max_pfn = first + 2 * Machine::section(1);
    fake.add_section(31);
    fake.add_section(32);
    std::vector<FakeUse> uses(max_pfn, FakeUse::kernel);
    for (uint64_t pfn = first; pfn < max_pfn;) {
      FakeBlock block{pfn, static_cast<unsigned>(below(11)), static_cast<FakeUse>(below(11))};
      block.order = std::min<unsigned>(block.order, static_cast<unsigned>(std::countr_zero(pfn)));
      if (block.use == FakeUse::unaccepted && block.order != 10) block.use = FakeUse::free;
      if (block.use == FakeUse::hugetlb && block.order == 0) block.use = FakeUse::user;
      if (block.use == FakeUse::poisoned || block.use == FakeUse::offline) block.order = 0;
      if (below(3) != 0 || block.order > 4)
        set_block(fake, block);
      else
        block.use = FakeUse::kernel;
      std::fill_n(uses.begin() + static_cast<std::ptrdiff_t>(pfn), block.pages(), block.use);
      pfn += block.pages();
    }
    std::vector<bool> present(max_pfn);
    std::vector<PhysicalRange> ram;
    for (uint64_t pfn = first + below(50); pfn < max_pfn;) {
      const uint64_t end = std::min(max_pfn, pfn + 1 + below(3000));
      ram.push_back({pfn * kPageSize, end * kPageSize});
      std::fill(present.begin() + static_cast<std::ptrdiff_t>(pfn),
                present.begin() + static_cast<std::ptrdiff_t>(end), true);
      pfn = end + 1 + below(600);
    }
    const auto kernel = fake.open();
    for (const int level : {0, 1, 2, 4, 8, 16, 31}) {
      if (test::kSanitized && level != 31) continue;
      SCOPED_TRACE(level);
      auto filter = PageFilter::create(kernel, ram, max_pfn, {}, level).value();
      expect_filtered(uses, present, first, level, filter);
      EXPECT_TRUE(filter.warnings().empty());
    }
  }
}

TEST(PageFilter, OfAKernelWithTooLittleVmcoreinfoIsRefused) {
  const std::vector<PhysicalRange> ram = {{0, 32_MiB}};
  for (const char* key : {"SYMBOL(mem_section)", "SIZE(page)", "NUMBER(PG_lru)", "OFFSET(page.flags)"}) {
    FakeKernel fake;
    fake.remove_key(key);
    const auto kernel = fake.open();
    EXPECT_EQ(test::code_of(PageFilter::create(kernel, ram, fake.ram_pages(), {}, 31)), ErrorCode::not_found)
        << key;
  }
}

// Pages whose class VMCOREINFO does not define are kept, and reported: that they cannot be recognised, and
// that there are pages of such a type.
TEST(PageFilter, KeepsWhatItCannotClassify) {
  FakeKernel fake;
  fake.remove_key("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)");
  set_block(fake, {1024, 9, FakeUse::free});
  set_block(fake, {2048, 9, FakeUse::user});
  const std::vector<PhysicalRange> ram = {{0, fake.ram_pages() * kPageSize}};
  const auto kernel = fake.open();
  auto filter = PageFilter::create(kernel, ram, fake.ram_pages(), {}, 31).value();
  ChunkBits bits;
  ASSERT_TRUE(filter.scan(0, bits));
  EXPECT_TRUE(test_bit(bits.stored, 1024));
  EXPECT_EQ(filter.statistics().stored_pages, fake.ram_pages() - 512);
  EXPECT_EQ(filter.warnings().size(), 2U);
}

TEST(PageFilter, KnowsWhichChunksHaveRam) {
  const std::vector<PhysicalRange> ram = {{kPageSize, 2 * kPageSize},
                                          {(2 * kChunkPages - 1) * kPageSize, (2 * kChunkPages) * kPageSize}};
  const PageFilter filter(ram, 4 * kChunkPages, {});
  EXPECT_EQ(filter.next_chunk(0), 0);
  EXPECT_EQ(filter.next_chunk(kChunkPages), kChunkPages);
  EXPECT_EQ(filter.next_chunk(2 * kChunkPages), std::nullopt);
  EXPECT_EQ(filter.next_chunk(3 * kChunkPages), std::nullopt);
}

// Whatever lies between, it is one step: a hostile header may put memory at the end of the address space.
TEST(PageFilter, StepsOverHolesAtOnce) {
  const uint64_t far = (uint64_t{1} << 40) + 5;
  const std::vector<PhysicalRange> ram = {{0, kPageSize}, {far * kPageSize, (far + 1) * kPageSize}};
  const PageFilter filter(ram, far + 1, {});
  EXPECT_EQ(filter.next_chunk(kChunkPages), far / kChunkPages * kChunkPages);
}

}  // namespace
}  // namespace lifeboat
