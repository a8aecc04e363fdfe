// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel refuses a load, or would: the error has the reason, and what was loaded before is still loaded,
// or the error reports that it is not.
#include <gtest/gtest.h>

#include "tests/support/programs.h"
#include "tests/vm/support/crash_scene.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kLoadNormal =
    "lifeboat load /disk/boot/vmlinuz --initrd /disk/boot/guest.img --reuse-cmdline";

class RefusedLoad : public ::testing::Test {
 protected:
  RefusedLoad() { files_.add(kernel_path("6.12"), "boot/vmlinuz"); }
  static void expect_status(Guest& guest, const std::string& mark, const std::string& status) {
    const Mark done = guest.wait_for(mark);
    EXPECT_EQ(done.text, status) << mark << ": " << done.output;
  }
  static void expect_value(Guest& guest, const std::string& mark, const std::string& value) {
    EXPECT_EQ(guest.wait_for(mark).text, value) << mark;
  }
  GuestFiles files_;
};

TEST_F(RefusedLoad, lockdown_is_explained_and_leaves_no_half_state) {
  Guest guest({.name = "lockdown",
               .kernel = "6.12",
               .command_line = "crashkernel=256M",
               .script = fmt::format("run crash-before {0} --syscall segments\n"
                                     "run normal-before {1} --syscall segments\n"
                                     "run crash-again {0} --syscall file\nloaded after\n"
                                     "mount -t securityfs securityfs /sys/kernel/security\n"
                                     "echo integrity >/sys/kernel/security/lockdown\n"
                                     "show lockdown /sys/kernel/security/lockdown\n"
                                     "run crash-segments {0} --syscall segments\ncrash_loaded after\n"
                                     "run normal-segments {1} --syscall segments\nloaded after\n"
                                     "run normal-auto {1} --syscall auto\nloaded after\n"
                                     "run crash-file {0} --syscall file\ncrash_loaded after\n"
                                     "run crash-auto {0} --syscall auto\ncrash_loaded after\n"
                                     "loaded at-the-end\n",
                                     kLoadCrash, kLoadNormal),
               .memory = 768_MiB},
              files_);
  expect_status(guest, "crash-before", "0");
  expect_status(guest, "normal-before", "0");
  // The question about the file, which comes before a load for a crash, is accepted and leaves the kernel for
  // a reboot alone.
  expect_status(guest, "crash-again", "0");
  expect_value(guest, "after", "1");
  EXPECT_THAT(guest.wait_for("lockdown").text, HasSubstr("[integrity]"));
  const auto expect_refusal = [&](const char* mark) {
    const Mark refused = guest.wait_for(mark);
    EXPECT_EQ(refused.text, "1") << mark;
    EXPECT_THAT(refused.output, HasSubstr("lockdown")) << mark;
    expect_value(guest, "after", "1");
    return refused.output;
  };
  for (const char* mark : {"crash-segments", "normal-segments", "normal-auto"}) expect_refusal(mark);
  // By kexec_file_load(2) the old capture kernel would be freed before the new one's signature is looked at:
  // the kernel is asked about it first, in a way that frees nothing.
  for (const char* mark : {"crash-file", "crash-auto"})
    EXPECT_THAT(expect_refusal(mark), HasSubstr("the previous capture kernel is still loaded")) << mark;
  expect_value(guest, "at-the-end", "1");
  guest.wait_for_end();
}

TEST_F(RefusedLoad, limits_are_seen_before_the_call) {
  Guest guest({.name = "limits",
               .kernel = "6.12",
               .command_line = "crashkernel=256M",
               .script = fmt::format("echo 1 >/proc/sys/kernel/kexec_load_limit_panic\n"
                                     "run first {0} --syscall segments\n"
                                     "run second {0} --syscall segments\ncrash_loaded after\n"
                                     "show limit /proc/sys/kernel/kexec_load_limit_panic\n"
                                     "run normal {1} --syscall segments\n"
                                     "echo 1 >/proc/sys/kernel/kexec_load_disabled\n"
                                     "run disabled {1} --syscall segments\nloaded after\n"
                                     "run unload lifeboat unload\nloaded after\n",
                                     kLoadCrash, kLoadNormal),
               .memory = 768_MiB},
              files_);
  expect_status(guest, "first", "0");
  Mark refused = guest.wait_for("second");
  EXPECT_EQ(refused.text, "1");
  EXPECT_THAT(refused.output, HasSubstr("kexec_load_limit_panic"));
  expect_value(guest, "after", "1");
  expect_value(guest, "limit", "0");
  expect_status(guest, "normal", "0");
  for (const char* mark : {"disabled", "unload"}) {
    refused = guest.wait_for(mark);
    EXPECT_EQ(refused.text, "1");
    EXPECT_THAT(refused.output, HasSubstr("kexec_load_disabled"));
    expect_value(guest, "after", "1");
  }
  guest.wait_for_end();
}

TEST_F(RefusedLoad, a_second_loader_is_waited_for) {
  files_.add_peer_kexec();
  Guest guest(
      {.name = "two-loaders",
       .kernel = "6.12",
       .command_line = "crashkernel=256M",
       .script = fmt::format(
           "{0} --syscall segments >/tmp/first 2>&1 & first=$!\n"
           "{0} --syscall file >/tmp/second 2>&1 & second=$!\n"
           "wait $first; status=$?; sed 's/^/OUT: /' /tmp/first; mark first $status\n"
           "wait $second; status=$?; sed 's/^/OUT: /' /tmp/second; mark second $status\n"
           "crash_loaded after\n"
           // A program without the lock: the kernel returns EBUSY to the second load.
           "touch /tmp/go\n"
           "while [ -e /tmp/go ]; do peer-kexec -c -p /disk/boot/vmlinuz --initrd /disk/boot/guest.img "
           "--reuse-cmdline; done >/dev/null 2>&1 &\n"
           "for syscall in segments file segments file; do run beside {0} --syscall $syscall; done\n"
           "rm /tmp/go; wait; crash_loaded after\n",
           kLoadCrash),
       .memory = 768_MiB,
       .cpus = 2},
      files_);
  expect_status(guest, "first", "0");
  expect_status(guest, "second", "0");
  expect_value(guest, "after", "1");
  for (int i = 0; i < 4; ++i) expect_status(guest, "beside", "0");
  expect_value(guest, "after", "1");
  guest.wait_for_end();
}

}  // namespace
}  // namespace lifeboat::test
