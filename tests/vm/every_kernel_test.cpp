// SPDX-License-Identifier: GPL-2.0-or-later
// Each kernel that lifeboat knows: loaded and booted by both system calls, normal and after a crash.
#include <gtest/gtest.h>

#include "tests/support/programs.h"
#include "tests/vm/support/crash_scene.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class EveryKernel : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryKernel, is_entered_by_both_calls_and_captures_after_a_crash) {
  GuestFiles files;
  files.add(kernel_path(GetParam()), "boot/vmlinuz");
  const std::string load =
      "run load lifeboat load /disk/boot/vmlinuz --initrd /disk/boot/guest.img --reuse-cmdline";
  Guest guest({.name = std::string("every-") + GetParam(),
               .kernel = GetParam(),
               .command_line = "crashkernel=256M",
               .script = fmt::format(
                   "{0}case $stage in\n"
                   "'') {1} --append test.stage=1 --syscall file\n  enter lifeboat reboot --now ;;\n"
                   "1) {1} --append test.stage=2 --syscall segments\n  enter lifeboat reboot --now "
                   ";;\nesac\n"
                   "run load {2} --syscall segments\ncrash_now\n",
                   kCaptureFirst, load, kLoadCrash),
               .memory = 768_MiB},
              files);
  for (const char* stage : {"test.stage=1", "test.stage=2"}) {
    const Mark done = guest.wait_for("load");
    ASSERT_EQ(done.text, "0") << done.output;
    const std::string kernel = guest.wait_for_kernel();
    EXPECT_THAT(kernel, StartsWith(kernel_release(GetParam())));
    EXPECT_THAT(kernel, HasSubstr(stage));
  }
  const Mark done = guest.wait_for("load");
  ASSERT_EQ(done.text, "0") << done.output;
  expect_dump(guest, GetParam(), 1);
}

TEST_P(EveryKernel, captures_when_loaded_by_file) {
  play_crash({.guest = {.name = std::string("every-file-") + GetParam(),
                        .kernel = GetParam(),
                        .command_line = "crashkernel=256M",
                        .memory = 768_MiB},
              .load_options = "--syscall file",
              .before_crash = {},
              .cpus_in_dump = 1});
}

// 6.1 and 6.12 go these ways in other tests.
INSTANTIATE_TEST_SUITE_P(LongDebian, EveryKernel, ::testing::Values("5.10", "7.2", "7.3"),
                         [](const auto& param) {
                           std::string name = std::string("k") + param.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace lifeboat::test
