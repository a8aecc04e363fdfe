// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat reserve`, `check` and `status` on a machine that has a reservation, modules, and a disk for its
// dumps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/programs.h"
#include "tests/vm/support/kernel_guest.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

// A kernel, and the smallest crashkernel= by which it was seen to give a whole dump (docs/reserve.md).
struct Known {
  const char* version;
  uint64_t smallest;
};

constexpr const char* kScript = R"(mkdir -p /lib /etc/default /boot/grub /usr/sbin /usr/lib/udev/rules.d
echo '# the rule' >/usr/lib/udev/rules.d/60-lifeboat.rules
systemd=/usr/lib/systemd/system
mkdir -p /run/systemd/system $systemd /etc/systemd/system/multi-user.target.wants
for unit in lifeboat-load.service lifeboat-collect.service lifeboat-reload.path; do
  echo '[Unit]' >$systemd/$unit
  ln -s $systemd/$unit /etc/systemd/system/multi-user.target.wants/$unit
done
ln -s /disk/system/lib/modules /lib/modules
cp /disk/system/boot/* /boot
printf '[target]\npath = /disk/crash\n' >/etc/lifeboat.conf
echo 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"' >/etc/default/grub
printf '#!/bin/sh\necho /etc/default/grub.d\n' >/usr/sbin/grub-mkconfig
printf '#!/bin/sh\ncat /etc/default/grub.d/lifeboat.cfg >/boot/grub/grub.cfg\n' >/bin/update-grub
chmod +x /usr/sbin/grub-mkconfig /bin/update-grub
run reserve lifeboat reserve show
run estimate lifeboat reserve estimate --json
run before lifeboat check --json
run set lifeboat reserve set auto
run grub cat /boot/grub/grub.cfg
run again lifeboat reserve set auto
printf '#!/bin/sh\necho no room >&2; exit 1\n' >/bin/update-grub
run fails lifeboat reserve set none
run kept cat /etc/default/grub.d/lifeboat.cfg
run small lifeboat reserve shrink 16M
run shrink lifeboat reserve shrink 192M
run load lifeboat load --crash
run refused lifeboat reserve shrink 160M
run shrunk lifeboat reserve show --json
run after lifeboat check --json
echo 'level = 1' | sed '1i [dump]' >>/etc/lifeboat.conf
run stale lifeboat check --json
run status lifeboat status --json
run text lifeboat status
run points lifeboat check
ln -s /disk/bin/lifeboat /bin/kexec
cd /var/lib/lifeboat
run kexec kexec -p /boot/vmlinuz-* --initrd=./$(ls | grep img) --append=loaded.by=kexec
run renewed lifeboat status --json
run unload kexec -p -u
run forgotten ls /run/lifeboat/loaded.json
)";

std::map<std::string, Json> points_of(const Mark& mark) {
  std::map<std::string, Json> points;
  for (auto& point : Json::parse(mark.output)) points[point.at("name").get<std::string>()] = point;
  return points;
}

class CheckInGuest : public ::testing::TestWithParam<Known> {};
std::string kernel_name(const ::testing::TestParamInfo<Known>& known) {
  std::string name = std::string("debian_") + known.param.version;
  std::ranges::replace(name, '.', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Kernels, CheckInGuest, ::testing::Values(Known{"6.12", 76_MiB}), kernel_name);
INSTANTIATE_TEST_SUITE_P(LongKernels, CheckInGuest, ::testing::Values(Known{"6.1", 92_MiB}), kernel_name);

TEST_P(CheckInGuest, reserve_check_and_status_are_right) {
  const auto& [version, smallest] = GetParam();
  GuestFiles files;
  files.add_system(version);
  Guest guest({.name = std::string("check-") + version,
               .kernel = version,
               .command_line = "crashkernel=0-1G:224M,1G-:256M",
               .script = kScript,
               .memory = 768_MiB},
              files);
  const auto expect = [&](const char* mark, const char* status) {
    Mark done = guest.wait_for(mark);
    EXPECT_EQ(done.text, status) << mark << ": " << done.output;
    return done;
  };
  const Mark reserve = expect("reserve", "0");
  EXPECT_THAT(reserve.output, HasSubstr("crashkernel=0-1G:224M,1G-:256M"));
  EXPECT_THAT(reserve.output, HasSubstr("reserved  224.0 MiB"));
  EXPECT_THAT(reserve.output, HasSubstr("below 4 GiB  224.0 MiB at 0x"));
  EXPECT_THAT(reserve.output, HasSubstr("nothing is loaded"));
  const auto needed = Json::parse(expect("estimate", "0").output).at("bytes").get<uint64_t>();
  EXPECT_GE(needed, smallest + 4_MiB);
  EXPECT_LE(needed, smallest + smallest / 2);

  auto points = points_of(expect("before", "3"));
  EXPECT_EQ(points["loaded"]["result"], "failure");
  EXPECT_EQ(points["initramfs"]["result"], "failure");
  for (const char* name :
       {"configuration", "reservation", "capture CPUs", "capture kernel", "modules", "target /disk/crash",
        "drivers of /disk/crash", "room of /disk/crash", "store /disk/crash"})
    EXPECT_EQ(points[name]["result"], "ok") << points[name];

  EXPECT_THAT(expect("set", "0").output, HasSubstr("lifeboat.cfg"));
  EXPECT_THAT(expect("grub", "0").output, HasSubstr(fmt::format("crashkernel={}M", needed / 1_MiB)));
  EXPECT_THAT(expect("again", "0").output, HasSubstr("nothing to change"));
  EXPECT_THAT(expect("fails", "1").output, HasSubstr("no room"));
  EXPECT_THAT(expect("kept", "0").output, HasSubstr("crashkernel="));
  EXPECT_THAT(expect("small", "2").output, HasSubstr("is not enough"));
  EXPECT_THAT(expect("shrink", "0").output, HasSubstr("192.0 MiB"));
  expect("load", "0");
  EXPECT_THAT(expect("refused", "1").output, HasSubstr("unload --crash"));
  EXPECT_EQ(Json::parse(expect("shrunk", "0").output).at("got_bytes"), 192_MiB);

  points = points_of(expect("after", "0"));
  for (const auto& [name, point] : points) {
    // No rehearsal was made, and this GRUB has no menu.
    const bool missing_here = name == "rehearsal" || name == "boot entry";
    EXPECT_EQ(point["result"], missing_here ? "warning" : "ok") << point;
  }
  points = points_of(expect("stale", "0"));
  EXPECT_EQ(points["initramfs"]["result"], "warning") << points["initramfs"];
  EXPECT_EQ(points["loaded"]["result"], "warning") << points["loaded"];

  const Json status = Json::parse(expect("status", "0").output);
  EXPECT_EQ(status.at("armed"), true);
  EXPECT_EQ(status.at("loaded").at("release"), kernel_release(version));
  EXPECT_EQ(status.at("loaded").at("changed"), Json::array());
  EXPECT_EQ(status.at("loaded").at("kernel").at("xxh3").get<std::string>().size(), 32U);
  EXPECT_THAT(expect("text", "0").output, HasSubstr("initramfs-" + kernel_release(version)));
  EXPECT_THAT(expect("points", "0").output, HasSubstr("a crash would be captured"));

  expect("kexec", "0");
  const Json renewed = Json::parse(expect("renewed", "0").output).at("loaded");
  EXPECT_THAT(renewed.at("command_line").get<std::string>(), HasSubstr("loaded.by=kexec"));
  EXPECT_EQ(renewed.at("initramfs").at(0).at("path"),
            fmt::format("/var/lib/lifeboat/initramfs-{}.img", kernel_release(version)));
  EXPECT_EQ(renewed.at("changed"), Json::array());
  expect("unload", "0");
  expect("forgotten", "1");
  guest.wait_for_end();
}

}  // namespace
}  // namespace lifeboat::test
