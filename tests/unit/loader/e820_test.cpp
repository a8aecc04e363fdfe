// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/x86_64/e820.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/memory_map.h"
#include "tests/support/fake_machine.h"
#include "tests/support/iomem_samples.h"

namespace lifeboat::x86_64 {
namespace {

using test::iomem_sample;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

std::vector<Resource> resources(std::string_view sample) {
  return parse_iomem(iomem_sample(sample)).value();
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
}  // namespace lifeboat::x86_64
