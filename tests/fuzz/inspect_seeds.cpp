// SPDX-License-Identifier: GPL-2.0-or-later
// Seeds of the targets that read a kernel's memory: each is in the form that its target describes.
#include <random>

#include "tests/fuzz/seeds.h"
#include "tests/support/fake_stacks.h"
#include "tests/support/fake_system.h"
#include "tests/support/pages.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using namespace std::literals;

std::vector<std::byte> file_of(const std::filesystem::path& path) {
  return read_file(path.string()).value();
}

// What dump_fuzz reads as a file; compressible pages only, so that the fuzzer's own limit is kept.
std::vector<Seed> dump_files() {
  FakeKernel fake({.ram_bytes = uint64_t{24} << 20});
  fake.set_log({{0, 1, 0, 6, 0, "Linux version"}, {1, 2, 0, 0, 0, "Kernel panic - not syncing: fuzz"}});
  const auto folder = TempDir::create("make-seeds").value();
  const std::string path = folder.path() / "dump";
  // Without the mem_map and what is zero, a few pages.
  std::vector<uint64_t> left_out;
  for (uint64_t pfn = 0; pfn < fake.ram_pages(); ++pfn) {
    const bool map =
        pfn > fake.mem_map_physical() / kPageSize && pfn < fake.mem_map_physical() / kPageSize + 100;
    if (map || !fake.memory().pages().contains(pfn)) left_out.push_back(pfn);
  }
  fake.write_kdump(path, left_out, 31);
  std::vector<std::byte> bytes{std::byte{0xff}};
  append(bytes, file_of(path));
  return {{"dump", "kdump", std::move(bytes)}};
}

// Damage of each kind, ten bytes a piece, at random places that are always the same.
std::vector<Seed> damages() {
  std::vector<Seed> all = {{"dump", "whole", {std::byte{0}}}};
  std::mt19937 random(1);
  for (int seed = 0; seed < 32; ++seed) {
    std::vector<std::byte> bytes{std::byte{0}};
    for (int piece = 0; piece < 1 + seed % 4; ++piece) {
      for (int byte = 0; byte < 10; ++byte) bytes.push_back(static_cast<std::byte>(random()));
      bytes[bytes.size() - 7] = static_cast<std::byte>(seed / 4 << 5 | (random() & 1));
    }
    all.push_back({"dump", fmt::format("damage{}", seed), std::move(bytes)});
  }
  return all;
}

// orc_fuzz: an address, then the table of addresses and that of entries.
std::vector<std::byte> orc_tables(size_t count, const std::vector<x86_64::RawOrcEntry>& entries) {
  std::vector<std::byte> bytes = to_bytes(object_bytes(kFakeCode));
  for (size_t index = 0; index < count; ++index) {
    const auto ip = static_cast<int32_t>(index * 16);
    append(bytes, object_bytes(ip));
  }
  for (size_t index = 0; index < count; ++index) append(bytes, object_bytes(entries[index % entries.size()]));
  return bytes;
}

// unwind_fuzz: four bytes of choices, 16 entries, words of the stacks by three bytes.
std::vector<std::byte> stack(uint8_t how, const std::vector<x86_64::RawOrcEntry>& entries) {
  std::vector<std::byte> bytes = {std::byte{2}, static_cast<std::byte>(how), std::byte{0}, std::byte{16}};
  for (size_t index = 0; index < 16; ++index) append(bytes, object_bytes(entries[index % entries.size()]));
  for (uint8_t word = 0; word < 32; ++word) {
    const std::array<uint8_t, 3> one = {static_cast<uint8_t>(word % 8), word, 0};
    append(bytes, std::as_bytes(std::span(one)));
  }
  return bytes;
}

constexpr std::string_view kOops =
    "BUG: kernel NULL pointer dereference, address: 0000000000000008\n#PF: supervisor read access in kernel "
    "mode\n"
    "#PF: error_code(0x0000) - not-present page\nOops: Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
    "CPU: 1 UID: 0 PID: 143 Comm: init Not tainted 6.12.0 #1\nHardware name: QEMU Standard PC\n"
    "RIP: 0010:ext4_readdir+0x1a/0x40 [ext4]\nKernel panic - not syncing: Fatal exception\n";
constexpr std::string_view kHung =
    "INFO: task reader:5 blocked for more than 120 seconds.\n"
    "Kernel panic - not syncing: hung_task: blocked tasks\nCPU: 0 PID: 40 Comm: khungtaskd\n";
constexpr std::string_view kLockup =
    "watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [server:7]\nKernel panic - not syncing: softlockup: "
    "hung tasks\n";
// grub_fuzz: a grub.cfg, an environment block, an entry of the Boot Loader Specification, with NULs between.
constexpr std::string_view kDebianGrub =
    "if [ -s $prefix/grubenv ]; then\n  load_env\nfi\nif [ \"${next_entry}\" ] ; then\n  set "
    "default=\"${next_entry}\"\nelse\n  set default=\"${saved_entry}\"\nfi\nfunction gfxmode {\n\tset "
    "gfxpayload=\"${1}\"\n}\nif loadfont unicode ; then set gfxmode=auto; fi\nmenuentry 'Debian' --class "
    "debian "
    "$menuentry_id_option 'simple' {\n\tgfxmode keep\n\tsearch --no-floppy --fs-uuid --set=root 12\n\tlinux\t"
    "/vmlinuz root=/dev/x ro quiet\n\tinitrd\t/initrd\n}\nsubmenu 'Advanced' --id adv {\n\tmenuentry 'old' "
    "--id "
    "old {\n\tlinux /boot/vmlinuz root=/dev/y a=\"b c\"\n}\n}\n\0"
    "# GRUB Environment Block\nsaved_entry=adv>old\nkernelopts=root=/dev/z\n####"sv;
constexpr std::string_view kFedoraGrub =
    "load_env\nset default=\"${saved_entry}\"\nif [ -z \"${kernelopts}\" ]; then set kernelopts=\"ro\"; "
    "fi\nblscfg\n"
    "if [ -n \"${boot_counter}\" -a \"${boot_success}\" = \"0\" ]; then decrement boot_counter; fi\n\0"
    "saved_entry=0\n\0title Fedora\nlinux /vmlinuz\ninitrd /initrd $tuned_initrd\noptions $kernelopts x\n"sv;
constexpr std::string_view kGrubLanguage =
    "for i in 1 '2 3' \"$x\"; do if [ ( $i = 1 -o ! -e /x ) -a y ]; then continue; elif ! true; then break "
    "2; else "
    "eval x=\\$i; fi; done\nwhile [ $n -lt 3 ]; do increment n; done\nuntil hwmatch x; do source /grub.cfg; "
    "return 1; "
    "done\nset fallback=\"1 2\"\nmenuentry a { chainloader +1 }\nmenuentry b { configfile /grub/grub.cfg "
    "}\nboot\n";

constexpr std::string_view kOthers =
    "sysrq: Trigger a crash\nOut of memory: Killed process 7 (server)\nrcu: INFO: rcu_preempt self-detected "
    "stall\n"
    "mce: [Hardware Error]: Machine check\nKernel panic - not syncing: Out of memory: system-wide "
    "panic_on_oom\n";

}  // namespace

std::vector<Seed> inspect_seeds() {
  const auto entries =
      std::vector{orc_call(8), orc_call_by_bp(), orc_indirect(16), orc_registers(), orc_partial_registers(),
                  orc_end(),   orc_undefined()};
  std::vector<Seed> all = {
      {"orc", "small", orc_tables(8, entries)},
      {"orc", "large", orc_tables(500, entries)},
      {"unwind", "calls", stack(0x60, {orc_call(8)})},
      {"unwind", "kinds", stack(0x20, entries)},
      {"unwind", "registers", stack(0xa4, {orc_registers(), orc_call(8)})},
      {"unwind", "search", stack(0x61, entries)},
      {"crash_summary", "oops", to_bytes(kOops)},
      {"crash_summary", "hung", to_bytes(kHung)},
      {"crash_summary", "lockup", to_bytes(kLockup)},
      {"crash_summary", "others", to_bytes(kOthers)},
      {"boot_entry", "bls",
       to_bytes("title Debian\nversion 6.12\nlinux /vmlinuz-6.12\ninitrd /initrd.img-6.12\noptions "
                "root=/dev/vda1 $kernelopts\n")},
      {"boot_entry", "uki", to_bytes("title Debian\nuki /EFI/Linux/debian-6.12+3-1.efi\n")},
      {"boot_entry", "extras",
       to_bytes("uki-url http://x/y.efi\nprofile 1\nextra /a.addon.efi\nextra /b.confext.raw\n"
                "devicetree-overlay /a.dtbo /b.dtbo\noptions initrd=\\i\n")},
      {"boot_entry", "environment",
       to_bytes("# GRUB Environment Block\nsaved_entry=debian\nkernelopts=root=/dev/vda1 ro\n####")},
      {"grub", "debian", to_bytes(kDebianGrub)},
      {"grub", "fedora", to_bytes(kFedoraGrub)},
      {"grub", "language", to_bytes(kGrubLanguage)},
      {"boot_entry", "versions", to_bytes("6.12.0-rc1~deb12u1\n6.12.0+2-1.conf\n")},
  };
  for (auto& seed : dump_files()) all.push_back(std::move(seed));
  for (auto& seed : damages()) all.push_back(std::move(seed));
  return all;
}

}  // namespace lifeboat::test
