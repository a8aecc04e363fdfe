// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/machine.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "loader/load_architecture.h"
#include "tests/support/fake_machine.h"

namespace lifeboat {
namespace {

using test::FakeMachine;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kIomem =
    "00100000-7fffffff : System RAM\n"
    "  01000000-01e025f7 : Kernel code\n"
    "  03b32000-03c55fff : Kernel bss\n"
    "  20000000-2fffffff : Crash kernel\n";

class MachineData : public testing::Test {
 protected:
  void SetUp() override {
    machine_.put_notes();
    machine_.put_proc("iomem", kIomem);
  }
  Machine read() { return read_machine(machine_.paths(), this_architecture()).value(); }
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

TEST_F(MachineData, NotesOfCpusAndOfVmcoreinfo) {
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

TEST_F(MachineData, TheKernelsMappingFromKcore) {
  put_kcore({{0xffffc90000000000, UINT64_MAX, 1 << 20},
             {0xffffffffa0000000, 0x1000000, 0x2e00000},
             {0xffff888000001000, 0x1000, 0x9e000}});
  const Machine machine = read();
  EXPECT_EQ(machine.mapping.text->virtual_address, 0xffffffffa0000000u);
  EXPECT_EQ(machine.mapping.text->size, 0x2e00000u);
  EXPECT_EQ(machine.mapping.direct_map, 0xffff888000000000u);
}

TEST_F(MachineData, TheKernelsMappingWithoutKcore) {
  const Machine machine = read();
  EXPECT_EQ(machine.mapping.text->virtual_address, 0xffffffff81000000u);
  EXPECT_EQ(machine.mapping.text->physical, 0x1000000u);
  EXPECT_EQ(machine.mapping.text->size, 0x2c56000u);  // to the end of its bss
  EXPECT_FALSE(machine.mapping.direct_map);
  machine_.put_proc("kallsyms", "0000000000000000 T _text\n");
  EXPECT_FALSE(read().mapping.text);
}

TEST_F(MachineData, ABrokenKcoreIsNoKcore) {
  machine_.put_proc("kcore", "short");
  EXPECT_FALSE(read().mapping.direct_map);
  put_kcore({});
  EXPECT_FALSE(read().mapping.direct_map);
}

TEST_F(MachineData, PagesOfTheRunningKernel) {
  const Machine machine = read();
  EXPECT_EQ(machine.page_size, static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
}

TEST_F(MachineData, CmaRangesOfTheReservation) {
  machine_.put_sys("kernel/kexec/crash_cma_ranges", "40000000-4fffffff\n30000000-3fffffff\nx\n");
  EXPECT_THAT(read().crash_cma, testing::ElementsAre(MemoryRange{0x30000000, 0x50000000}));
}

TEST_F(MachineData, NothingIsPlacedWithoutIomem) {
  machine_.remove("proc/iomem");
  const auto machine = read_machine(machine_.paths(), this_architecture());
  ASSERT_FALSE(machine);
  EXPECT_THAT(machine.error().message, HasSubstr("iomem"));
}

}  // namespace
}  // namespace lifeboat
