// SPDX-License-Identifier: GPL-2.0-or-later
// How long a capture kernel takes to load: lifeboat and the newest kexec-tools, in turns in one guest. And
// how long the whole of a later arming takes, as lifeboat-load.service does it: the configuration, the
// initramfs (which is as it should be), the load.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "tests/vm/support/crash_scene.h"

namespace lifeboat::test {
namespace {

constexpr int kRounds = 5;

struct Contender {
  const char* name;
  const char* command;
};
constexpr Contender kContenders[] = {
    {"lifeboat-file",
     "lifeboat load /disk/boot/vmlinuz --crash --initrd /disk/boot/guest.img --syscall file"},
    {"kexec-file", "peer-kexec -s -p /disk/boot/vmlinuz --initrd=/disk/boot/guest.img --reuse-cmdline"},
    {"lifeboat-segments",
     "lifeboat load /disk/boot/vmlinuz --crash --initrd /disk/boot/guest.img --syscall segments"},
    {"lifeboat-arms", "lifeboat load --crash"},
    {"kexec-segments", "peer-kexec -c -p /disk/boot/vmlinuz --initrd=/disk/boot/guest.img --reuse-cmdline"},
};

// Hundredths of a second, by the guest's own clock; the first round only fills the page cache.
std::string script() {
  std::string text =
      "mkdir -p /lib /boot /etc\nln -s /disk/system/lib/modules /lib/modules\ncp /disk/system/boot/* /boot\n"
      "printf '[target]\\npath = /disk/crash\\n' >/etc/lifeboat.conf\n";
  text += "now() { read -r uptime rest </proc/uptime; echo ${uptime%.*}${uptime#*.}; }\n";
  text +=
      "timed() { name=$1; shift; begin=$(now); \"$@\" >/tmp/out 2>&1; status=$?; end=$(now); "
      "sed 's/^/OUT: /' /tmp/out; mark $name $status $((end - begin)); }\n";
  for (int round = 0; round <= kRounds; ++round) {
    for (const auto& [name, command] : kContenders) text += fmt::format("timed {} {}\n", name, command);
  }
  return text;
}

int measure() {
  GuestFiles files;
  files.add_peer_kexec();
  files.add(kernel_path("6.12"), "boot/vmlinuz");
  files.add_system("6.12");
  Guest guest({.name = "load-bench",
               .kernel = "6.12",
               .command_line = "crashkernel=256M",
               .script = script(),
               .memory = 1_GiB,
               .cpus = 2},
              files);
  std::map<std::string, std::vector<double>> times;
  for (int round = 0; round <= kRounds; ++round) {
    for (const auto& contender : kContenders) {
      const Mark mark = guest.wait_for(contender.name);
      if (!mark.text.starts_with("0 ")) {
        fmt::print(stderr, "{} failed: {}\n", contender.name, mark.output);
        return 1;
      }
      if (round > 0) times[contender.name].push_back(std::stod(mark.text.substr(2)) / 100);
    }
  }
  guest.wait_for_end();
  for (const auto& contender : kContenders) {
    auto& all = times[contender.name];
    std::ranges::sort(all);
    fmt::print("{:18} median of {}: {:.2f} s   least {:.2f} s, most {:.2f} s\n", contender.name, kRounds,
               all[all.size() / 2], all.front(), all.back());
  }
  return 0;
}

}  // namespace
}  // namespace lifeboat::test

int main() {
  try {
    return lifeboat::test::measure();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
