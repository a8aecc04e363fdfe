// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/memory_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_machine.h"
#include "tests/support/iomem_samples.h"

namespace lifeboat {
namespace {

using test::iomem_sample;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

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
  const auto ram = loadable_ram(resources("many_holes_and_slivers"));
  EXPECT_THAT(ram, Contains(MemoryRange{0xee01000, 0xee02000}));
  EXPECT_THAT(ram, Contains(MemoryRange{0xee4d000, 0xee4e000}));  // less half a page
  EXPECT_THAT(ram, Contains(MemoryRange{0xee4f000, 0x1e000000}));
  EXPECT_THAT(ram, Contains(MemoryRange{0x2e000000, 0x3a300000}));
  const auto managed = loadable_ram(resources("driver_managed"));
  EXPECT_EQ(managed.back(), (MemoryRange{0x100000000, 0x140000000}));
  for (const auto& hole : {MemoryRange{0x20000000, 0x24000000}, MemoryRange{0x27000000, 0x37000000}})
    EXPECT_THAT(intersect(loadable_ram(resources("gart")), hole), IsEmpty());
}

TEST(CaptureMap, IsTheReservationAndWhatIsNotRam) {
  const auto list = resources("two_crash_regions");
  const auto map = capture_map(list, crash_reservation(list));
  EXPECT_THAT(map, ElementsAre(MemoryMapEntry{{0x1000, 0x9f000}, MemoryType::ram},
                               MemoryMapEntry{{0x9f000, 0x100000}, MemoryType::reserved},
                               MemoryMapEntry{{0x5e000000, 0x6e000000}, MemoryType::ram},
                               MemoryMapEntry{{0x7e9bd000, 0x7e9c0000}, MemoryType::acpi_tables},
                               MemoryMapEntry{{0x7e9c0000, 0x7e9d0000}, MemoryType::acpi_nvs},
                               MemoryMapEntry{{0x7e9d0000, 0x80000000}, MemoryType::reserved},
                               MemoryMapEntry{{0x25f000000, 0x27f000000}, MemoryType::ram}));
}

TEST(CaptureMap, OffersNoMemoryThatADriverCouldPutOnline) {
  const auto list = resources("driver_managed");
  for (const auto& entry : capture_map(list, crash_reservation(list)))
    EXPECT_NE(entry.type, MemoryType::soft_reserved);
}

TEST(FirmwareMap, IsReadFromItsFolder) {
  test::FakeMachine machine;
  const auto put = [&](const char* number, const char* begin, const char* last, const char* type) {
    const std::string folder = std::string("firmware/memmap/") + number;
    machine.put_sys(folder + "/start", begin);
    machine.put_sys(folder + "/end", last);
    machine.put_sys(folder + "/type", type);
  };
  put("1", "0x100000\n", "0x3fffffff\n", "System RAM\n");
  put("0", "0x0\n", "0x9fbff\n", "System RAM\n");
  put("2", "0x40000000\n", "0x4000ffff\n", "ACPI Tables\n");
  put("3", "0x50000000\n", "0x5000ffff\n", "Something new\n");
  put("4", "0x60000000\n", "0x5000ffff\n", "System RAM\n");  // of no use
  EXPECT_THAT(firmware_map(machine.paths().sys, {}),
              ElementsAre(MemoryMapEntry{{0, 0x9fc00}, MemoryType::ram},
                          MemoryMapEntry{{0x100000, 0x40000000}, MemoryType::ram},
                          MemoryMapEntry{{0x40000000, 0x40010000}, MemoryType::acpi_tables},
                          MemoryMapEntry{{0x50000000, 0x50010000}, MemoryType::reserved}));
}

TEST(FirmwareMap, IsMadeOfIomemWithoutThatFolder) {
  test::FakeMachine machine;
  const auto map = firmware_map(machine.paths().sys, resources("gart"));
  EXPECT_THAT(map, Contains(MemoryMapEntry{{0x100000, 0xdfe90000}, MemoryType::ram}));
  EXPECT_THAT(map, Contains(MemoryMapEntry{{0xdfed0000, 0xdff00000}, MemoryType::reserved}));
  EXPECT_THAT(map, Not(Contains(MemoryMapEntry{{0x20000000, 0x24000000}, MemoryType::reserved})));
}

}  // namespace
}  // namespace lifeboat
