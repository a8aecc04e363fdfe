// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/memory_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/x86_64/e820.h"
#include "src/base/size.h"
#include "tests/support/fake_machine.h"
#include "tests/support/iomem_samples.h"

namespace lifeboat {
namespace {

using test::iomem_sample;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Ranges = std::vector<MemoryRange>;

std::vector<Resource> resources(std::string_view sample) {
  return parse_iomem(iomem_sample(sample)).value();
}

TEST(Ranges, AreNormalized) {
  EXPECT_THAT(normalized({{5, 9}, {1, 3}, {3, 4}, {7, 12}, {20, 20}, {30, 25}}),
              ElementsAre(MemoryRange{1, 4}, MemoryRange{5, 12}));
  EXPECT_THAT(normalized({}), IsEmpty());
}

TEST(Ranges, AreSubtracted) {
  EXPECT_EQ(subtract({{0, 10}}, {{0, 10}}), Ranges{});
  EXPECT_EQ(subtract({{0, 10}}, {{3, 5}, {4, 6}}), (Ranges{{0, 3}, {6, 10}}));
  EXPECT_EQ(subtract({{0, 10}, {20, 30}}, {{5, 25}}), (Ranges{{0, 5}, {25, 30}}));
  EXPECT_EQ(subtract({{5, 10}}, {{0, 6}, {9, 20}, {30, 40}}), (Ranges{{6, 9}}));
  EXPECT_EQ(subtract({{5, 10}}, {}), (Ranges{{5, 10}}));
}

TEST(Ranges, AreCutToAWindow) {
  EXPECT_EQ(intersect({{0, 10}, {20, 30}}, {5, 25}), (Ranges{{5, 10}, {20, 25}}));
  EXPECT_EQ(intersect({{0, 10}}, {10, 20}), Ranges{});
  EXPECT_EQ(total_size({{0, 10}, {20, 30}}), 20u);
}

TEST(Iomem, KeepsTheTree) {
  const auto list = resources("driver_managed");
  const auto kmem = std::ranges::find(list, "dax0.0", &Resource::name) + 1;
  EXPECT_EQ(kmem->name, "System RAM (kmem)");
  EXPECT_EQ(kmem->depth, 2);
  EXPECT_EQ(kmem->range, (MemoryRange{0x348000000, 0x3c0000000}));
}

TEST(Iomem, BadLinesAreNamed) {
  for (const char* line : {"garbage", "10-20", "10 : System RAM", "20-10 : System RAM", "x-y : System RAM",
                           "0-ffffffffffffffff : all", "-5 : x", "10000000000000000-20000000000000000 : x"}) {
    const auto parsed = parse_iomem(std::string("00001000-0009fbff : System RAM\n") + line + "\n");
    ASSERT_FALSE(parsed) << line;
    EXPECT_EQ(parsed.error().code, ErrorCode::corrupt);
    EXPECT_THAT(parsed.error().message, HasSubstr("line 2")) << line;
  }
  EXPECT_FALSE(parse_iomem(""));
  EXPECT_FALSE(parse_iomem("\n\n"));
}

TEST(Iomem, HiddenAddressesAreNotMemory) {
  const auto parsed = parse_iomem("00000000-00000000 : System RAM\n  00000000-00000000 : Crash kernel\n");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::no_permission);
  EXPECT_THAT(parsed.error().fix, HasSubstr("root"));
}

TEST(Iomem, LastCrashRegionIsTheOneToLoadInto) {
  EXPECT_THAT(crash_reservation(resources("two_crash_regions")),
              ElementsAre(MemoryRange{0x5e000000, 0x6e000000}, MemoryRange{0x25f000000, 0x27f000000}));
  EXPECT_THAT(crash_reservation(parse_iomem("00001000-0009fbff : System RAM\n").value()), IsEmpty());
}

TEST(DumpableRam, HoldsWhatDriversAddedButNoApertures) {
  const auto added = dumpable_ram(resources("driver_managed"));
  EXPECT_THAT(added,
              Contains(MemoryRange{0x100000000, 0x1c0000000}));  // joined with the virtio_mem behind it
  EXPECT_THAT(added, Contains(MemoryRange{0x348000000, 0x440000000}));  // both kmem
  const auto with_gart = dumpable_ram(resources("gart"));
  EXPECT_THAT(with_gart, Contains(MemoryRange{0x100000, 0x20000000}));
  EXPECT_THAT(with_gart, Contains(MemoryRange{0x24000000, 0xdfe90000}));
}

TEST(LoadableRam, IsWholePagesOfLastingMemory) {
  const auto ram = loadable_ram(resources("many_holes_and_slivers"), x86_64::names_of_no_ram(), 4_KiB);
  EXPECT_THAT(ram, Contains(MemoryRange{0xee01000, 0xee02000}));
  EXPECT_THAT(ram, Contains(MemoryRange{0xee4d000, 0xee4e000}));  // less half a page
  EXPECT_THAT(ram, Contains(MemoryRange{0xee4f000, 0x1e000000}));
  EXPECT_THAT(ram, Contains(MemoryRange{0x2e000000, 0x3a300000}));
  const auto managed = loadable_ram(resources("driver_managed"), x86_64::names_of_no_ram(), 4_KiB);
  EXPECT_EQ(managed.back(), (MemoryRange{0x100000000, 0x140000000}));
  for (const auto& hole : {MemoryRange{0x20000000, 0x24000000}, MemoryRange{0x27000000, 0x37000000}})
    EXPECT_THAT(intersect(loadable_ram(resources("gart"), x86_64::names_of_no_ram(), 4_KiB), hole),
                IsEmpty());
}

TEST(LoadableRam, IsWholePagesOfEverySize) {
  for (const auto& sample : test::iomem_samples()) {
    for (const uint64_t page : {4_KiB, 16_KiB, 64_KiB}) {
      const auto ram = loadable_ram(parse_iomem(sample.text).value(), x86_64::names_of_no_ram(), page);
      for (const auto& range : ram) {
        EXPECT_EQ(range.begin % page, 0u) << sample.name;
        EXPECT_EQ(range.end % page, 0u) << sample.name;
      }
      EXPECT_EQ(whole_pages(ram, page), ram) << sample.name;
    }
  }
}

TEST(LoadableRam, AvoidsWhatTheArchitectureCallsReserved) {
  const auto list = parse_iomem(
                        "40000000-7fffffff : System RAM\n"
                        "  48000000-4800ffff : mine\n"
                        "  50000000-50000fff : Kernel code\n")
                        .value();
  constexpr std::string_view kNames[] = {"mine"};
  EXPECT_EQ(loadable_ram(list, kNames, 64_KiB), (Ranges{{0x40000000, 0x48000000}, {0x48010000, 0x80000000}}));
  EXPECT_EQ(loadable_ram(list, {}, 64_KiB), (Ranges{{0x40000000, 0x80000000}}));
}

TEST(WholePages, AreInsideOfTheRange) {
  EXPECT_EQ(whole_pages({{0x1000, 0x9000}, {0xc000, 0x11000}}, 16_KiB),
            (Ranges{{0x4000, 0x8000}, {0xc000, 0x10000}}));
  EXPECT_EQ(whole_pages({{0x5000, 0x7000}, {UINT64_MAX - 10, UINT64_MAX}}, 16_KiB), Ranges{});
}

}  // namespace
}  // namespace lifeboat
