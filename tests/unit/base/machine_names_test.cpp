// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/machine_names.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/utsname.h>

#include "src/base/bytes.h"
#include "src/base/file.h"

namespace lifeboat {
namespace {

TEST(MachineNames, AreThoseOfTheKernelAndOfThisProgram) {
  utsname names{};
  ASSERT_EQ(::uname(&names), 0);
  EXPECT_EQ(machine_names().kernel, names.machine);
  const auto program = read_file("/proc/self/exe").value();
  EXPECT_EQ(machine_names().elf, load<Elf64_Ehdr>(program, 0, "header").value().e_machine);
  // AUDIT_ARCH_* is the machine of ELF with two flags.
  EXPECT_EQ(machine_names().audit & 0xffffu, machine_names().elf);
}

}  // namespace
}  // namespace lifeboat
