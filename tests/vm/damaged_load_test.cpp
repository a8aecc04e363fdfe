// SPDX-License-Identifier: GPL-2.0-or-later
// What was loaded is changed in memory, from outside of the guest: purgatory notices it, reports it, and
// resets.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/programs.h"
#include "tests/vm/support/crash_scene.h"

namespace lifeboat::test {
namespace {

constexpr const char* kComplaint = "the loaded kernel was damaged in memory";

// An initramfs of its own kind: random bytes that are found again wherever in memory they lie. To the kernel
// they are an archive's unreadable end, but it never comes to read them.
std::vector<std::byte> unmistakable() {
  std::mt19937_64 random(20260301);
  std::vector<std::byte> bytes(64_KiB);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  // `load` looks whether an initramfs begins like one.
  std::ranges::copy(as_byte_span("070701"), bytes.begin());
  return bytes;
}

// Flips a bit in every copy: that of the loaded kernel, and those of the page cache, which matter to nobody.
size_t damage(const Guest& guest, uint64_t memory, ByteSpan pattern) {
  const auto part = pattern.subspan(16_KiB, 64);
  const auto bytes = guest.read_memory(0, memory);
  const std::boyer_moore_horspool_searcher searcher(part.begin(), part.end(),
                                                    [](std::byte byte) { return static_cast<size_t>(byte); });
  size_t found = 0;
  for (auto at = bytes.begin(); (at = std::search(at, bytes.end(), searcher)) != bytes.end(); ++at) {
    const std::byte flipped = *at ^ std::byte{1};
    guest.write_memory(static_cast<uint64_t>(at - bytes.begin()), std::span(&flipped, 1));
    ++found;
  }
  return found;
}

void load_damage_and_enter(const std::string& name, const std::string& load, const std::string& enter) {
  GuestFiles files;
  files.add(kernel_path("6.12"), "boot/vmlinuz");
  files.write("boot/second.img", unmistakable());
  const uint64_t memory = 768_MiB;
  Guest guest({.name = name,
               .kernel = "6.12",
               .command_line = "crashkernel=256M",
               .script = fmt::format("run load {}\nwait_for_test damage-me\n{}\n", load, enter),
               .memory = memory,
               .shared_memory = true},
              files);
  const Mark loaded = guest.wait_for("load");
  ASSERT_EQ(loaded.text, "0") << loaded.output;
  guest.wait_for("damage-me");
  EXPECT_GT(damage(guest, memory, unmistakable()), 0u);
  guest.answer("go");
  guest.wait_for_line(kComplaint);
  // QEMU ends where a machine would be reset; no other kernel has come up before.
  guest.wait_for_end();
  const std::string console = guest.console();
  EXPECT_EQ(console.rfind("TEST: init"), console.find("TEST: init"));
}

TEST(DamagedLoad, of_a_capture_kernel_is_reported_and_the_machine_reset) {
  load_damage_and_enter("damaged-crash",
                        std::string(kLoadCrash) + " --initrd /disk/boot/second.img --syscall segments",
                        "crash_now");
}

TEST(DamagedLoad, of_a_normal_kernel_is_reported_and_the_machine_reset) {
  load_damage_and_enter("damaged-normal",
                        "lifeboat load /disk/boot/vmlinuz --initrd /disk/boot/guest.img --initrd "
                        "/disk/boot/second.img --syscall segments --reuse-cmdline",
                        "enter lifeboat reboot --now");
}

}  // namespace
}  // namespace lifeboat::test
