// SPDX-License-Identifier: GPL-2.0-or-later
// From kernel to kernel without firmware, by every way that leads there. One guest goes all of them, one
// after the other: each kernel finds its number on its command line, reports that it runs, and loads the
// next.
#include <gtest/gtest.h>

#include "tests/support/programs.h"
#include "tests/vm/support/kernel_files.h"
#include "tests/vm/support/kernel_guest.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Hop {
  const char* what;
  const char* to;     // version of the kernel that is to come
  const char* load;   // the command; LINE is the whole of its command line
  const char* enter;  // the command
};

// Kernel and file name alternate between the two versions, so that every arrival is a real change.
constexpr Hop kHops[] = {
    {"file", "6.12",
     "lifeboat load /disk/boot/vmlinuz-6.12 --initrd /disk/boot/guest.img --command-line \"LINE\" --syscall "
     "file",
     "lifeboat reboot --now"},
    {"segments", "6.1",
     "lifeboat load /disk/boot/vmlinuz-6.1 --initrd /disk/boot/guest.img --command-line \"LINE\" --syscall "
     "segments",
     "lifeboat reboot --now"},
    {"kexec_l", "6.12",
     "kexec -l /disk/boot/vmlinuz-6.12 --initrd=/disk/boot/guest.img --reuse-cmdline --append=\"LINE\"",
     "kexec -e"},
    {"kexec_s", "6.1",
     "kexec -s -l /disk/boot/vmlinuz-6.1 --initrd=/disk/boot/guest.img --command-line=\"LINE\"", "kexec -e"},
    {"kexec_c", "6.12",
     "kexec -c -l /disk/boot/vmlinuz-6.12 --initrd=/disk/boot/guest.img --command-line=\"LINE\"", "kexec -e"},
    // The image has initramfs and command line inside.
    {"uki", "6.1", "lifeboat load /disk/boot/linux.efi --syscall file", "lifeboat reboot --now"},
    {"uki_segments_explicit_line", "6.12",
     "lifeboat load /disk/boot/linux-6.12.efi --syscall segments --command-line \"LINE\"",
     "lifeboat reboot --now"},
    {"gzip", "6.1",
     "lifeboat load /disk/boot/vmlinuz-6.1.gz --initrd /disk/boot/guest.img --command-line \"LINE\"",
     "lifeboat reboot --now"},
    {"vmlinux", "6.12",
     "lifeboat load /disk/boot/vmlinux --initrd /disk/boot/guest.img --command-line \"LINE\"",
     "lifeboat reboot --now"},
    {"two_initrds", "6.1",
     "lifeboat load /disk/boot/vmlinuz-6.1 --initrd /disk/boot/guest.img --initrd /disk/boot/second.img "
     "--command-line \"LINE\" --syscall segments",
     "lifeboat reboot --now"},
};

std::string line_of(size_t stage) {
  return fmt::format("console=ttyS0 panic=-1 test.stage={} came-by={}", stage, kHops[stage - 1].what);
}

std::string script() {
  std::string text = "[ -e /second/mark ] && mark second-initramfs\ncase ${stage:-0} in\n";
  for (size_t i = 0; i < std::size(kHops); ++i) {
    std::string load = kHops[i].load;
    if (const auto at = load.find("LINE"); at != std::string::npos) load.replace(at, 4, line_of(i + 1));
    text += fmt::format("{}) run load {}\n  loaded loaded\n  [ $run_status = 0 ] || finish\n  enter {} ;;\n",
                        i, load, kHops[i].enter);
  }
  return text + "esac\n";
}

TEST(KexecChain, reaches_every_kernel) {
  GuestFiles files;
  for (const char* version : {"6.1", "6.12"})
    files.add(kernel_path(version), fmt::format("boot/vmlinuz-{}", version));
  const auto initramfs = guest_initramfs({"6.1", "6.12"});
  files.write("boot/linux.efi",
              unified_kernel_image(kernel_path("6.1"), initramfs, line_of(6), kernel_release("6.1")));
  files.write("boot/linux-6.12.efi",
              unified_kernel_image(kernel_path("6.12"), initramfs, "console=ttyS0 wrong-line",
                                   kernel_release("6.12")));
  files.write("boot/vmlinuz-6.1.gz", gzipped(kernel_path("6.1")));
  files.write("boot/vmlinux", vmlinux_of(kernel_path("6.12")));
  files.write("boot/second.img", small_initramfs("second", "mark"));

  Guest guest(
      {.name = "chain", .kernel = "6.1", .versions = {"6.1", "6.12"}, .script = script(), .memory = 768_MiB},
      files);
  for (size_t i = 0; i < std::size(kHops); ++i) {
    SCOPED_TRACE(kHops[i].what);
    const Mark load = guest.wait_for("load");
    ASSERT_EQ(load.text, "0") << load.output;
    ASSERT_EQ(guest.wait_for("loaded").text, "1");
    const std::string kernel = guest.wait_for_kernel();
    ASSERT_THAT(kernel, StartsWith(kernel_release(kHops[i].to)));
    ASSERT_THAT(kernel, HasSubstr(line_of(i + 1)));
    EXPECT_THAT(kernel, ::testing::Not(HasSubstr("wrong-line")));
    if (kHops[i].what == std::string("two_initrds")) guest.wait_for("second-initramfs");
  }
  guest.wait_for("end");
  guest.wait_for_end();
}

}  // namespace
}  // namespace lifeboat::test
