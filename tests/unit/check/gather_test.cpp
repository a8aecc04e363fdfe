// SPDX-License-Identifier: GPL-2.0-or-later
// What the facts are taken from: a machine made of files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/check/check_facts.h"
#include "src/check/point.h"
#include "tests/support/whole_dump.h"

namespace lifeboat::check {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class GatherFacts : public testing::Test {
 protected:
  GatherFacts() {
    put("sys/kernel/kexec_crash_loaded", "1\n");
    put("sys/kernel/kexec_crash_size", "268435456\n");
    put("proc/cmdline", "ro crashkernel=256M\n");
    put("proc/sys/kernel/osrelease", "6.1.0-test\n");
    put("proc/sys/kernel/panic", "10\n");
    put("proc/meminfo", "MemTotal:        8388608 kB\nMemFree:  1024 kB\nHugePages_Total:       0\n");
    put("boot/vmlinuz-6.1.0-test", "no kernel");
    put("boot/vmlinuz-6.12.0-test", "no kernel");
    put("lib/modules/6.1.0-test/modules.dep.bin", "");
    put("usr/lib/systemd/system/lifeboat-load.service", "[Unit]\n");
    put("etc/systemd/system/kdump-tools.service", "[Unit]\n");
    link("/usr/lib/systemd/system/lifeboat-load.service",
         "etc/systemd/system/sysinit.target.wants/lifeboat-load.service");
    put("run/systemd/system/x", "");
    put("usr/lib/udev/rules.d/60-lifeboat.rules", "# rules\n");
    put("sys/class/watchdog/watchdog0/state", "active\n");
    link("/sys/module/iTCO_wdt", "sys/class/watchdog/watchdog0/device/driver/module");
    put("store/20261123T084228Z/vmcore", test::whole_dump());
    fs::permissions(path("store"), fs::perms::owner_all);
    request_.config = config::Config{};
    request_.config->targets = {{.path = path("store")}};
    request_.kernel = path("boot/vmlinuz-6.1.0-test");
    request_.release = "6.1.0-test";
    request_.root = folder_.path();
    request_.paths = {.sys = path("sys"), .proc = path("proc"), .iomem = {}, .run = path("run")};
    request_.host = {.mountinfo = path("mountinfo"), .sys = path("sys")};
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void put(const std::string& name, std::string_view text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0600));
  }
  void link(const std::string& target, const std::string& name) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    fs::create_symlink(target, path(name));
  }
  TempDir folder_ = TempDir::create("gather-test").value();
  FactsRequest request_;
};

TEST_F(GatherFacts, FromFiles) {
  put("sys/fs/pstore/dmesg-efi-1", "one");
  put("var/lib/systemd/pstore/1795423348/001/dmesg.txt", "two");
  const Facts facts = gather_facts(request_);
  EXPECT_EQ(facts.pstore.size(), 2U);
  EXPECT_EQ(facts.state.crash_size, 256_MiB);
  EXPECT_EQ(facts.reserved.asked_size, 256_MiB);
  EXPECT_THAT(facts.kernel_problem, HasSubstr("vmlinuz-6.1.0-test"));
  EXPECT_TRUE(facts.modules_there);
  EXPECT_THAT(facts.installed, ElementsAre("6.12.0-test", "6.1.0-test"));
  EXPECT_EQ(facts.meminfo.at("MemTotal"), 8_GiB);
  EXPECT_FALSE(facts.meminfo.contains("HugePages_Total"));
  EXPECT_EQ(facts.settings.at("panic"), "10");
  EXPECT_TRUE(facts.systemd);
  EXPECT_EQ(facts.unit("lifeboat-load.service"), UnitState::enabled);
  EXPECT_EQ(facts.unit("kdump-tools.service"), UnitState::disabled);
  EXPECT_EQ(facts.unit("lifeboat-collect.service"), UnitState::missing);
  EXPECT_TRUE(facts.udev_rule);
  ASSERT_EQ(facts.watchdogs.size(), 1U);
  EXPECT_EQ(facts.watchdogs[0].driver, "iTCO_wdt");
  EXPECT_TRUE(facts.watchdogs[0].runs);
  EXPECT_FALSE(facts.watchdogs[0].carried) << "there is no recipe";
  // No such file system is mounted: reported as the target's error, and as the recipe's.
  ASSERT_EQ(facts.targets.size(), 1U);
  EXPECT_FALSE(facts.targets[0].found);
  EXPECT_FALSE(facts.recipe);
  EXPECT_FALSE(facts.estimate);
  const StoreFacts& store = *facts.targets[0].store;
  EXPECT_TRUE(store.there && !store.obstacle);
  EXPECT_EQ(store.mode, 0700U);
  ASSERT_EQ(store.crashes.size(), 1U);
  EXPECT_EQ(store.crashes[0].outcome, CrashOutcome::whole);
  EXPECT_GT(store.space.total, 0U);
  EXPECT_FALSE(would_capture(all_points(facts)));
}

TEST_F(GatherFacts, AReservationThatFailedAndTheNextBoot) {
  put("sys/kernel/kexec_crash_size", "0\n");
  put("proc/cmdline", "ro crashkernel=64G-:1G\n");
  put("kmsg", "6,0,1,-;crashkernel size resulted in zero bytes\n");
  request_.kmsg = path("kmsg");
  put("boot/refind_linux.conf", "\"Boot\" \"ro crashkernel=200M\"\n");
  put("var/lib/lifeboat/reserve.json", R"({"values": ["200M"], "replaced": {}, "boot_loader": "refind"})");
  const Facts facts = gather_facts(request_);
  ASSERT_TRUE(facts.failed_reservation);
  EXPECT_EQ(facts.failed_reservation->reason, reservation::FailureReason::no_range);
  ASSERT_TRUE(facts.next_boot);
  EXPECT_EQ(facts.next_boot->value, "200M");
  EXPECT_TRUE(facts.next_boot->complete);
  EXPECT_EQ(reservation_point(facts).next, "reboot");
}

TEST_F(GatherFacts, OfAnEmptyMachine) {
  fs::remove_all(path("sys"));
  fs::remove_all(path("proc"));
  fs::remove_all(path("run"));
  request_.config = std::unexpected(Error(ErrorCode::corrupt, "lifeboat.conf:1: no"));
  request_.kernel = std::unexpected(Error(ErrorCode::not_found, "no kernel"));
  const auto points = all_points(gather_facts(request_));
  EXPECT_FALSE(would_capture(points));
  for (const auto& point : points) EXPECT_FALSE(point.detail.empty()) << point.name;
}

TEST_F(GatherFacts, AStoreThatIsALink) {
  link(path("store"), "other");
  request_.config->targets = {{.path = path("other")}};
  const StoreFacts store = *gather_facts(request_).targets[0].store;
  EXPECT_TRUE(store.there && !store.obstacle);
  EXPECT_EQ(store.real, path("store"));
  // What counts is where it leads.
  EXPECT_EQ(store.mode, 0700U);
  EXPECT_EQ(store.crashes.size(), 1U);
}

TEST_F(GatherFacts, AStoreBehindALinkThatLeadsToWhatIsNotThere) {
  link(path("none"), "other");
  for (const char* name : {"other", "other/lifeboat"}) {
    request_.config->targets = {{.path = path(name)}};
    const StoreFacts store = *gather_facts(request_).targets[0].store;
    EXPECT_FALSE(store.there || store.obstacle) << name;
    EXPECT_EQ(store.real, path(name).replace(path("").size(), 5, "none"));
  }
}

TEST_F(GatherFacts, AStoreThatIsSomebodysLinkOrNoFolder) {
  fs::create_directory(path("crash"));
  ASSERT_EQ(::chmod(path("crash").c_str(), 01777), 0);
  link(path("store"), "crash/link");
  put("crash/file", "no folder");
  for (const char* name : {"crash/link", "crash/link/lifeboat", "crash/file"}) {
    request_.config->targets = {{.path = path(name)}};
    const auto facts = gather_facts(request_);
    const StoreFacts& store = *facts.targets[0].store;
    EXPECT_FALSE(store.there) << name;
    ASSERT_TRUE(store.obstacle) << name;
    EXPECT_FALSE(facts.targets[0].found) << name;
    EXPECT_THAT(target_store_point(facts.targets[0]).detail, testing::HasSubstr(path("crash/")));
  }
}

TEST_F(GatherFacts, AUnitThatIsMaskedIsNotEnabled) {
  for (const char* folder : {"etc", "run"}) {
    link("/dev/null", std::string(folder) + "/systemd/system/lifeboat-load.service");
    EXPECT_EQ(gather_facts(request_).unit("lifeboat-load.service"), UnitState::masked) << folder;
    fs::remove(path(folder) + "/systemd/system/lifeboat-load.service");
  }
  put("etc/systemd/system/lifeboat-load.service", "");
  EXPECT_EQ(gather_facts(request_).unit("lifeboat-load.service"), UnitState::masked);
  // The system's own in the place of the package's.
  put("etc/systemd/system/lifeboat-load.service", "[Unit]\n");
  EXPECT_EQ(gather_facts(request_).unit("lifeboat-load.service"), UnitState::enabled);
}

// As a package leaves it that was removed, and not purged.
TEST_F(GatherFacts, AUnitThatIsGoneIsNotEnabled) {
  link("/lib/systemd/system/kdump-tools.service",
       "etc/systemd/system/multi-user.target.wants/kdump-tools.service");
  EXPECT_EQ(gather_facts(request_).unit("kdump-tools.service"), UnitState::enabled);
  fs::remove(path("etc/systemd/system/kdump-tools.service"));
  EXPECT_EQ(gather_facts(request_).unit("kdump-tools.service"), UnitState::missing);
}

TEST_F(GatherFacts, ACrashkernelOfOthers) {
  put("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=quiet\n");
  put("etc/default/grub.d/lifeboat.cfg", "GRUB_CMDLINE_LINUX_DEFAULT=\"crashkernel=256M\"\n");
  put("boot/grub/grub.cfg", "");
  EXPECT_TRUE(gather_facts(request_).foreign.empty());
  put("etc/default/grub.d/kdump-tools.cfg", "GRUB_CMDLINE_LINUX_DEFAULT=\"crashkernel=192M\"\n");
  const auto foreign = gather_facts(request_).foreign;
  ASSERT_EQ(foreign.size(), 1U);
  EXPECT_THAT(foreign[0].where, HasSubstr("etc/default/grub.d/kdump-tools.cfg:1"));
  EXPECT_EQ(foreign[0].parameter, "crashkernel=192M");
}

TEST_F(GatherFacts, AUdevRuleThatIsMasked) {
  link("/dev/null", "etc/udev/rules.d/60-lifeboat.rules");
  EXPECT_FALSE(gather_facts(request_).udev_rule);
}

TEST_F(GatherFacts, AWatchdogsPretimeoutAndWhetherItCanBeMadeHarmless) {
  const auto dog = [&] { return gather_facts(request_).watchdogs.at(0); };
  EXPECT_EQ(dog().pretimeout, 0U);
  EXPECT_TRUE(dog().can_calm);
  put("sys/class/watchdog/watchdog0/pretimeout", "10\n");
  EXPECT_EQ(dog().pretimeout, 10U);
  EXPECT_TRUE(dog().can_calm) << "no governors: nothing is known to panic";
  put("sys/class/watchdog/watchdog0/pretimeout_available_governors", "panic\n");
  EXPECT_FALSE(dog().can_calm);
  put("sys/class/watchdog/watchdog0/pretimeout_available_governors", "panic\nnoop\n");
  EXPECT_TRUE(dog().can_calm);
  put("sys/class/watchdog/watchdog0/pretimeout", "-1\n");
  EXPECT_EQ(dog().pretimeout, 0U);
}

// Its driver is not one of the kernel's watchdog core.
TEST_F(GatherFacts, AWatchdogThatHasOnlyItsDevice) {
  fs::remove_all(path("sys/class/watchdog"));
  EXPECT_TRUE(gather_facts(request_).watchdogs.empty());
  put("sys/class/misc/watchdog/dev", "10:130\n");
  put("sys/module/ipmi_watchdog/initstate", "live\n");
  const auto watchdogs = gather_facts(request_).watchdogs;
  ASSERT_EQ(watchdogs.size(), 1U);
  EXPECT_EQ(watchdogs[0].name, "/dev/watchdog");
  EXPECT_EQ(watchdogs[0].driver, "ipmi_watchdog");
  EXPECT_TRUE(watchdogs[0].old && watchdogs[0].runs);
  EXPECT_FALSE(watchdogs[0].carried);
}

TEST_F(GatherFacts, ADriverOfPstoreThatThisKernelHasNotIsNotMissing) {
  fs::create_directories(path("sys/fs/pstore"));
  fs::create_directories(path("sys/firmware/efi/efivars"));
  EXPECT_TRUE(gather_facts(request_).pstore_driver.there);
  EXPECT_EQ(gather_facts(request_).pstore_driver.module, "");
}

// A kernel without a state attribute: the recipe includes such a watchdog's driver, so it counts here too.
TEST_F(GatherFacts, AWatchdogThatDoesNotReportItsStateRuns) {
  fs::remove(path("sys/class/watchdog/watchdog0/state"));
  EXPECT_TRUE(gather_facts(request_).watchdogs.at(0).runs);
  put("sys/class/watchdog/watchdog0/state", "inactive\n");
  EXPECT_FALSE(gather_facts(request_).watchdogs.at(0).runs);
}

}  // namespace
}  // namespace lifeboat::check
