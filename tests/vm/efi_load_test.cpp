// SPDX-License-Identifier: GPL-2.0-or-later
// A machine with EFI firmware: the kernels that come without firmware find its runtime services and ACPI all
// the same.
#include <gtest/gtest.h>

#include "tests/support/programs.h"
#include "tests/vm/support/crash_scene.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;

TEST(EfiLoad, by_segments_keeps_runtime_services_and_acpi) {
  GuestFiles files;
  files.add(kernel_path("6.12"), "boot/vmlinuz");
  Guest guest(
      {.name = "efi",
       .kernel = "6.12",
       .command_line = "crashkernel=256M",
       .script = fmt::format("mark efi $(ls /sys/firmware/efi)\nmark acpi $(ls /sys/firmware/acpi/tables)\n"
                             "{}"
                             "if [ -z \"$stage\" ]; then\n"
                             "  run load lifeboat load /disk/boot/vmlinuz --initrd /disk/boot/guest.img "
                             "--reuse-cmdline --append test.stage=1 --syscall segments\n"
                             "  enter lifeboat reboot --now\n"
                             "fi\n"
                             "run load {} --syscall segments\ncrash_now\n",
                             kCaptureFirst, kLoadCrash),
       .memory = 1_GiB,
       .efi = true},
      files);
  const auto expect_firmware = [&] {
    EXPECT_THAT(guest.wait_for("efi").text, HasSubstr("runtime"));
    EXPECT_THAT(guest.wait_for("acpi").text, HasSubstr("DSDT"));
  };
  expect_firmware();
  Mark load = guest.wait_for("load");
  ASSERT_EQ(load.text, "0") << load.output;
  EXPECT_THAT(guest.wait_for_kernel(), HasSubstr("test.stage=1"));
  expect_firmware();
  load = guest.wait_for("load");
  ASSERT_EQ(load.text, "0") << load.output;
  expect_dump(guest, "6.12", 1);
}

}  // namespace
}  // namespace lifeboat::test
