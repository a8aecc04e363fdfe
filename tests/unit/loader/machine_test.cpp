// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/machine.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_machine.h"

namespace lifeboat {
namespace {

using test::FakeMachine;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kIomem =
    "00100000-7fffffff : System RAM\n"
    "  01000000-01e025f7 : Kernel code\n"
    "  03b32000-03c55fff : Kernel bss\n"
    "  20000000-2fffffff : Crash kernel\n";

class MachineFacts : public testing::Test {
 protected:
  void SetUp() override {
    machine_.put_notes();
    machine_.put_proc("iomem", kIomem);
  }
  Machine read() { return read_machine(machine_.paths()).value(); }
  // A kcore with these program headers: virtual address, physical address, size.
  void put_kcore(const std::vector<std::array<uint64_t, 3>>& segments) {
    Elf64_Ehdr header{};
    std::copy_n(ELFMAG, SELFMAG, header.e_ident);
    header.e_phoff = sizeof(header);
    header.e_phnum = static_cast<Elf64_Half>(segments.size());
    std::string bytes(as_text(object_bytes(header)));
    for (const auto& [virtual_address, physical, size] : segments) {
      const Elf64_Phdr segment{
          .p_type = PT_LOAD, .p_vaddr = virtual_address, .p_paddr = physical, .p_memsz = size};
      bytes += as_text(object_bytes(segment));
    }
    machine_.put_proc("kcore", bytes);
  }
  FakeMachine machine_;
};

TEST_F(MachineFacts, NotesOfCpusAndOfVmcoreinfo) {
  const Machine machine = read();
  ASSERT_THAT(machine.cpu_notes, SizeIs(2));
  EXPECT_EQ(machine.cpu_notes[1].address, 0x2f901000u);
  EXPECT_EQ(machine.cpu_notes[1].size, 352u);
  EXPECT_EQ(machine.vmcoreinfo->address, 0x2f7f0000u);
  EXPECT_EQ(machine.vmcoreinfo->size, 0x1024u);
  for (const char* text : {"", "2f7f0000\n", "x 1024\n", "2f7f0000 0\n"}) {
    machine_.put_sys("kernel/vmcoreinfo", text);
    EXPECT_FALSE(read().vmcoreinfo) << text;
  }
  machine_.put_sys("devices/system/cpu/cpu0/crash_notes_size", "0\n");
  EXPECT_THAT(read().cpu_notes, SizeIs(1));
}

TEST_F(MachineFacts, TheKernelsMappingFromKcore) {
  put_kcore({{0xffffc90000000000, UINT64_MAX, 1 << 20},
             {0xffffffffa0000000, 0x1000000, 0x2e00000},
             {0xffff888000001000, 0x1000, 0x9e000}});
  const Machine machine = read();
  EXPECT_EQ(machine.text->virtual_address, 0xffffffffa0000000u);
  EXPECT_EQ(machine.text->size, 0x2e00000u);
  EXPECT_EQ(machine.direct_map, 0xffff888000000000u);
}

TEST_F(MachineFacts, TheKernelsMappingWithoutKcore) {
  const Machine machine = read();
  EXPECT_EQ(machine.text->virtual_address, 0xffffffff81000000u);
  EXPECT_EQ(machine.text->physical, 0x1000000u);
  EXPECT_EQ(machine.text->size, 0x2c56000u);  // to the end of its bss
  EXPECT_FALSE(machine.direct_map);
  machine_.put_proc("kallsyms", "0000000000000000 T _text\n");
  EXPECT_FALSE(read().text);
}

TEST_F(MachineFacts, ABrokenKcoreIsNoKcore) {
  machine_.put_proc("kcore", "short");
  EXPECT_FALSE(read().direct_map);
  put_kcore({});
  EXPECT_FALSE(read().direct_map);
}

TEST_F(MachineFacts, EfiTablesAndTheirMap) {
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
  const Machine machine = read();
  EXPECT_EQ(machine.rsdp, 0x7f9fe014u);
  EXPECT_EQ(machine.efi.smbios, 0x7e002000u);
  EXPECT_EQ(machine.efi.fw_vendor, 0x7e000000u);
  ASSERT_THAT(machine.efi.runtime_map, SizeIs(3));
  EXPECT_EQ(machine.efi.runtime_map[1].physical, 0x7e200000u);
  EXPECT_EQ(machine.efi.runtime_map[2].physical, 0x7e300000u);
  // A map with a hole would be worse than none.
  machine_.remove("sys/firmware/efi/runtime-map/2/type");
  EXPECT_THAT(read().efi.runtime_map, IsEmpty());
}

TEST_F(MachineFacts, FiveLevelPagingIsAFlagOfTheProcessor) {
  EXPECT_FALSE(read().five_level_paging);
  machine_.put_proc("cpuinfo", "processor\t: 0\nflags\t\t: fpu la57 lm\n");
  EXPECT_TRUE(read().five_level_paging);
  machine_.put_proc("cpuinfo", "processor\t: 0\nflags\t\t: fpu lm la57\n");
  EXPECT_TRUE(read().five_level_paging);
}

TEST_F(MachineFacts, CmaRangesOfTheReservation) {
  machine_.put_sys("kernel/kexec/crash_cma_ranges", "40000000-4fffffff\n30000000-3fffffff\nx\n");
  EXPECT_THAT(read().crash_cma, testing::ElementsAre(MemoryRange{0x30000000, 0x50000000}));
}

TEST_F(MachineFacts, NothingIsPlacedWithoutIomem) {
  machine_.remove("proc/iomem");
  const auto machine = read_machine(machine_.paths());
  ASSERT_FALSE(machine);
  EXPECT_THAT(machine.error().message, HasSubstr("iomem"));
}

}  // namespace
}  // namespace lifeboat
