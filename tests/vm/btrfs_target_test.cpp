// SPDX-License-Identifier: GPL-2.0-or-later
// Dumps in a subvolume of a btrfs that is full to the last block, on an NVMe disk to which two controllers
// lead: the kernel's own multipath makes it a virtual device (docs/initramfs.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/support/programs.h"
#include "tests/vm/support/kernel_guest.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using Json = nlohmann::json;

constexpr const char* kVersion = "6.12";

// A subvolume that is mounted, as a distribution's installer makes it, and another one that a plain mount
// would lead to. MORE puts older crashes there: crash NAME FILE MIB.
constexpr const char* kScript = R"(mkdir -p /etc /lib /boot /top /srv
# The disk's number is that of the controller that was found first.
for _ in $(seq 60); do
  disk=$(cd /dev && ls nvme?n1) && [ -d /sys/class/nvme/nvme1 ] && break
  sleep 1
done
mark disk $(readlink -f /sys/class/block/$disk) $(ls -d /sys/class/nvme-subsystem/*/nvme? | wc -l)
ln -s /disk/system/lib/modules /lib/modules
cp /disk/system/boot/* /boot
mount -t btrfs /dev/$disk /top
btrfs subvolume create /top/@
btrfs subvolume create /top/other
btrfs subvolume set-default /top/other
mount -t btrfs -o subvol=@ /dev/$disk /srv
umount /top
mkdir -m 700 /srv/crash
crash() {
  mkdir /srv/crash/$1
  dd if=/dev/zero of=/srv/crash/$1/$2 bs=1M count=$3
}
printf '[target]\npath = /srv/crash\n' >/etc/lifeboat.conf
MORE
run build lifeboat build --json
run load lifeboat load --crash
run check lifeboat check --json
dd if=/dev/zero of=/srv/ballast bs=1M
sync
dd if=/dev/zero of=/srv/rest bs=4k
sync
mark free $(stat -f -c %a /srv)
crash_now
sleep 60
)";

// The modules of file system and disk, for the first kernel, and the lines that load them.
std::string add_modules(GuestFiles& files) {
  const fs::path tree = fs::path(kernel_path(kVersion)).parent_path().parent_path() / "lib/modules";
  std::string lines;
  for (const auto& module : must(collect_modules(tree / kernel_release(kVersion), {"btrfs", "nvme"}))) {
    files.write("modules/" + module.name, module.bytes);
    lines += "insmod /disk/modules/" + module.name + '\n';
  }
  files.add_program("btrfs");
  files.add_system(kVersion, {"btrfs", "nvme"});
  return lines;
}

void run_or_throw(const std::vector<std::string>& argv) {
  const auto done = run(argv);
  if (done.status != 0) throw std::runtime_error(argv[0] + ": " + done.text);
}

class BtrfsTarget : public ::testing::Test {
 protected:
  BtrfsTarget() {
    run_or_throw({"truncate", "-s", "256M", image_});
    run_or_throw({"mkfs.btrfs", "-q", image_});
  }
  // A guest that is armed; when it returns there is no block free, and the guest is about to crash.
  void boot(const std::string& name, const std::string& more) {
    std::string script = kScript;
    script.replace(script.find("MORE"), 4, more);
    GuestFiles files;
    script.insert(0, add_modules(files));
    guest_.emplace(
        GuestOptions{.name = name,
                     .kernel = kVersion,
                     .command_line = "crashkernel=160M",
                     .script = script,
                     .devices = {"nvme-subsys,id=subsystem", "nvme,serial=a,subsys=subsystem",
                                 "nvme,serial=a,subsys=subsystem", "nvme-ns,drive=space,shared=on"},
                     .drives = {"id=space,file=" + image_}},
        files);
    EXPECT_THAT(guest_->wait_for("disk").text,
                MatchesRegex("/sys/devices/virtual/nvme-subsystem/nvme-subsys./nvme.n1 2"));
    const Mark build = guest_->wait_for("build");
    ASSERT_EQ(build.text, "0") << build.output;
    EXPECT_THAT(build.output, HasSubstr("\"nvme.ko\""));
    const Mark loaded = guest_->wait_for("load");
    ASSERT_EQ(loaded.text, "0") << loaded.output;
    const Mark check = guest_->wait_for("check");
    std::map<std::string, Json> points;
    for (auto& point : Json::parse(check.output)) points[point.at("name").get<std::string>()] = point;
    for (const char* point : {"target", "drivers of", "room of", "store"})
      EXPECT_EQ(points[std::string(point) + " /srv/crash"]["result"], "ok") << check.output;
    EXPECT_THAT(points["target /srv/crash"].dump(), ContainsRegex("/@/crash on /dev/nvme.n1"));
    ASSERT_EQ(guest_->wait_for("free").text, "0");
  }
  // What is left, oldest first, when the guest has ended and its file system is whole.
  std::vector<fs::path> crashes_left() {
    guest_->wait_for_end();
    run_or_throw({"btrfs", "check", "--readonly", image_});
    const fs::path out = folder_.path() / "restored";
    fs::create_directory(out);
    run_or_throw({"btrfs", "restore", image_, out});
    std::vector<fs::path> crashes;
    for (const auto& crash : fs::directory_iterator(out / "@/crash")) crashes.push_back(crash.path());
    std::ranges::sort(crashes);
    return crashes;
  }

  TempDir folder_ = must(TempDir::create("btrfs-target"));
  std::string image_ = folder_.path() / "btrfs.img";
  std::optional<Guest> guest_;
};

TEST_F(BtrfsTarget, takes_a_dump_in_a_subvolume_once_there_is_space) {
  ASSERT_NO_FATAL_FAILURE(boot("btrfs-target",
                               "crash 20250101T000000Z vmcore-dmesg.txt 10\n"
                               "crash 20250102T000000Z vmcore 60\n"
                               "crash 20250103T000000Z vmcore 2\n"));
  // Found by UUID: which number a disk gets is not the same in the capture kernel.
  guest_->wait_for_line("target: /dev/nvme", std::chrono::seconds(120));
  guest_->wait_for_line("removing 20250101T000000Z: the target is full", std::chrono::seconds(120));
  guest_->wait_for_line("lifeboat: phase capture-log");
  guest_->wait_for_line("removing 20250102T000000Z: the target is full", std::chrono::seconds(300));
  guest_->wait_for_line("lifeboat: phase capture-dump", std::chrono::seconds(300));

  const auto left = crashes_left();
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0].filename(), "20250103T000000Z");
  const auto verify = run_lifeboat({"verify", left[1] / "vmcore"});
  EXPECT_EQ(verify.status, 0) << verify.text;
  const auto record = Json::parse(text_of(left[1] / "manifest.json"));
  EXPECT_EQ(record["outcome"], "whole");
  EXPECT_EQ(record["kind"], "sysrq");
}

// A hook takes the last block once the dump has failed. What is reserved for the last word holds, though
// btrfs writes to another place what is changed.
using LongBtrfsTarget = BtrfsTarget;

TEST_F(LongBtrfsTarget, has_space_for_the_final_record) {
  ASSERT_NO_FATAL_FAILURE(boot("btrfs-no-room",
                               "crash 20250101T000000Z vmcore.incomplete 12\n"
                               "crash 20250102T000000Z vmcore 60\n"
                               "echo '#!/bin/busybox sh' >/fill\n"
                               "echo '/bin/busybox dd if=/dev/zero of=$LIFEBOAT_FOLDER/rest bs=4k' >>/fill\n"
                               "chmod 755 /fill\n"
                               "printf '[capture]\\nhook_after = /fill\\n' >>/etc/lifeboat.conf"));
  guest_->wait_for_line("lifeboat: phase capture-failed", std::chrono::seconds(300));

  const auto left = crashes_left();
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0].filename(), "20250102T000000Z");
  EXPECT_THAT(text_of(left[1] / "vmcore-dmesg.txt"), HasSubstr("sysrq triggered crash"));
  EXPECT_TRUE(fs::exists(left[1] / "report.txt"));
  EXPECT_EQ(run_lifeboat({"verify", left[1] / "vmcore.incomplete"}).status, 3);
  const auto record = Json::parse(text_of(left[1] / "manifest.json"));
  EXPECT_EQ(record["outcome"], "incomplete");
  EXPECT_THAT(record["problems"].dump(), HasSubstr("No space left on device"));
  EXPECT_THAT(text_of(left[1] / "capture.log"), HasSubstr("No space left on device"));
}

}  // namespace
}  // namespace lifeboat::test
