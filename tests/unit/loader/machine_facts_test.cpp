// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/x86_64/machine_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_machine.h"

namespace lifeboat::x86_64 {
namespace {

using test::FakeMachine;
using testing::IsEmpty;
using testing::SizeIs;

class MachineFactsOfX86 : public testing::Test {
 protected:
  void SetUp() override { machine_.put_notes(); }
  MachineFacts read() { return read_machine_facts(machine_.paths(), {}); }
  FakeMachine machine_;
};

TEST_F(MachineFactsOfX86, EfiTablesAndTheirMap) {
  machine_.put_sys("firmware/efi/systab",
                   "ACPI20=0x7f9fe014\nACPI=0x7f9fe000\nSMBIOS3=0x1\nSMBIOS=0x7e002000\n");
  machine_.put_sys("firmware/efi/fw_vendor", "0x7e000000\n");
  const auto put_region = [&](const char* number, const char* physical) {
    const std::string folder = std::string("firmware/efi/runtime-map/") + number;
    machine_.put_sys(folder + "/type", "0x5\n");
    machine_.put_sys(folder + "/phys_addr", physical);
    machine_.put_sys(folder + "/virt_addr", "0xfffffffeff000000\n");
    machine_.put_sys(folder + "/num_pages", "0x10\n");
    machine_.put_sys(folder + "/attribute", "0x800000000000000f\n");
  };
  put_region("0", "0x7e100000\n");
  put_region("10", "0x7e300000\n");
  put_region("2", "0x7e200000\n");
  const MachineFacts facts = read();
  EXPECT_EQ(facts.rsdp, 0x7f9fe014u);
  EXPECT_EQ(facts.efi.smbios, 0x7e002000u);
  EXPECT_EQ(facts.efi.fw_vendor, 0x7e000000u);
  ASSERT_THAT(facts.efi.runtime_map, SizeIs(3));
  EXPECT_EQ(facts.efi.runtime_map[1].physical, 0x7e200000u);
  EXPECT_EQ(facts.efi.runtime_map[2].physical, 0x7e300000u);
  // A map with a hole would be worse than none.
  machine_.remove("sys/firmware/efi/runtime-map/2/type");
  EXPECT_THAT(read().efi.runtime_map, IsEmpty());
}

TEST_F(MachineFactsOfX86, FiveLevelPagingIsAFlagOfTheProcessor) {
  EXPECT_FALSE(read().five_level_paging);
  machine_.put_proc("cpuinfo", "processor\t: 0\nflags\t\t: fpu la57 lm\n");
  EXPECT_TRUE(read().five_level_paging);
  machine_.put_proc("cpuinfo", "processor\t: 0\nflags\t\t: fpu lm la57\n");
  EXPECT_TRUE(read().five_level_paging);
}

}  // namespace
}  // namespace lifeboat::x86_64
