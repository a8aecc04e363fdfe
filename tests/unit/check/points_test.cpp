// SPDX-License-Identifier: GPL-2.0-or-later
// Each point: fine on a machine where all is well, and each way in which it is not, one fact changed at a
// time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/obstacles.h"
#include "src/base/size.h"
#include "src/check/check_facts.h"
#include "src/check/point.h"

namespace lifeboat::check {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

StoredCrash whole_crash() {
  StoredCrash crash{
      .name = "20261123T084228Z", .crash_time = 1, .outcome = CrashOutcome::whole, .bytes = 40_MiB};
  crash.record = CrashRecord{.collected = 5};
  return crash;
}

// Everything as it should be.
Facts good() {
  Facts facts;
  facts.config->files = {"/etc/lifeboat.conf"};
  facts.state = {.crash_loaded = true,
                 .crash_size = 256_MiB,
                 .load_disabled = false,
                 .crash_load_limit = -1,
                 .lockdown = Lockdown::none,
                 .cpu_hotplug = true,
                 .memory_hotplug = true,
                 .release = "6.12.1-test"};
  facts.kernel = "/boot/vmlinuz-6.12.1-test";
  facts.release = "6.12.1-test";
  facts.modules_there = true;
  facts.installed = {"6.12.1-test", "6.1.0-test"};
  facts.initramfs = "/var/lib/lifeboat/initramfs-6.12.1-test.img";
  facts.initramfs_time = 1000;
  facts.initramfs_digest = "abc";
  facts.estimate->total = 112_MiB;
  facts.estimate->least = 84_MiB;
  facts.loaded = arming::LoadedState{.kernel = {"/boot/vmlinuz-6.12.1-test", 1, "d"},
                                     .initramfs = {{facts.initramfs, 1, "abc"}},
                                     .release = "6.12.1-test",
                                     .command_line = "a=b",
                                     .call = "file",
                                     .time = 1};
  facts.command_line = "a=b";
  TargetFacts target{.name = "/var/crash/lifeboat", .found = LocalTarget{}, .store = StoreFacts{}};
  target.found->target = {"uuid", "ext4", "/var/crash/lifeboat"};
  target.found->device = "/dev/vda1";
  target.found->drivers = {"virtio-blk", "pci:v00001AF4d00001042"};
  target.drivers = {{"virtio-blk", true}, {"pci:v00001AF4d00001042", true}, {"ext4", true}};
  target.store->real = "/var/crash/lifeboat";
  target.store->there = true;
  target.store->space = {.total = 100_GiB, .free = 50_GiB};
  target.store->crashes = {whole_crash()};
  facts.targets = {target};
  facts.meminfo = {{"MemTotal", 8_GiB}, {"MemFree", 4_GiB}, {"Cached", 2_GiB}, {"AnonPages", 1_GiB}};
  facts.settings = {{"panic", "10"}, {"panic_on_oops", "1"}};
  facts.systemd = true;
  for (const char* unit : {"lifeboat-load.service", "lifeboat-collect.service", "lifeboat-reload.path"})
    facts.units[unit] = UnitState::enabled;
  facts.udev_rule = true;
  facts.watchdogs = {{.name = "watchdog0", .driver = "i6300esb", .runs = true},
                     {.name = "watchdog1", .driver = "other", .carried = false}};
  facts.rehearsal = arming::RehearsalRecord{
      .time = 2000, .release = "6.12.1-test", .whole = true, .initramfs_digest = "abc"};
  return facts;
}

template <typename T>
Result<T> failed() {
  return std::unexpected(Error(ErrorCode::not_found, "the reason").hint("the fix"));
}

// The point's result after one change, with words that its detail has; what is not ok says what to do.
template <typename Change>
void expect(Point (*function)(const Facts&), Change change, PointResult result, std::string_view detail) {
  Facts facts = good();
  change(facts);
  const Point point = function(facts);
  EXPECT_EQ(point.result, result) << point.name << ": " << point.detail;
  EXPECT_THAT(point.detail, HasSubstr(detail)) << point.name;
  if (result == PointResult::ok) {
    EXPECT_THAT(point.next, IsEmpty()) << point.name;
  } else {
    EXPECT_THAT(point.next, Not(IsEmpty())) << point.name;
  }
}
template <typename Change>
void expect_target(Point (*function)(const TargetFacts&), Change change, PointResult result,
                   std::string_view detail) {
  TargetFacts target = good().targets.front();
  change(target);
  const Point point = function(target);
  EXPECT_EQ(point.result, result) << point.detail;
  EXPECT_THAT(point.detail, HasSubstr(detail));
  EXPECT_EQ(point.next.empty(), result == PointResult::ok) << point.detail;
}

constexpr auto kOk = PointResult::ok;
constexpr auto kWarning = PointResult::warning;
constexpr auto kFailure = PointResult::failure;

TEST(CheckPoints, AllIsWell) {
  const auto points = all_points(good());
  EXPECT_EQ(points.size(), 24U);
  for (const auto& point : points) {
    EXPECT_EQ(point.result, kOk) << point.name << ": " << point.detail;
    EXPECT_THAT(point.detail, Not(IsEmpty())) << point.name;
    EXPECT_THAT(point.next, IsEmpty()) << point.name;
  }
  EXPECT_TRUE(would_capture(points));
}

TEST(CheckPoints, Configuration) {
  expect(configuration_point, [](Facts& f) { f.config->files.clear(); }, kOk, "defaults");
  expect(configuration_point, [](Facts& f) { f.config = failed<config::Config>(); }, kFailure, "the reason");
  expect(
      configuration_point, [](Facts& f) { f.missing_files = {"[capture] file: /x: gone"}; }, kWarning,
      "[capture] file: /x: gone");
}

TEST(CheckPoints, Reservation) {
  expect(reservation_point, [](Facts&) {}, kOk, "112.0 MiB are needed");
  expect(reservation_point, [](Facts& f) { f.state.crash_size = 0; }, kFailure, "no memory is reserved");
  expect(
      reservation_point, [](Facts& f) { f.state.crash_size.reset(); }, kFailure,
      "cannot read whether memory is reserved");
  expect(
      reservation_point,
      [](Facts& f) {
        f.state.crash_size = 0;
        f.reserved.asked = reservation::crashkernel_request("crashkernel=8G-:256M");
      },
      kFailure, "although crashkernel=8G-:256M requests it");
  expect(
      reservation_point,
      [](Facts& f) {
        f.state.crash_size = 0;
        f.reserved.asked = reservation::crashkernel_request("crashkernel=256MB");
      },
      kFailure, "256MB");
  expect(
      reservation_point, [](Facts& f) { f.state.crash_size = 100_MiB; }, kWarning, "less than the 112.0 MiB");
  expect(
      reservation_point, [](Facts& f) { f.state.crash_size = 80_MiB; }, kFailure, "less than the 112.0 MiB");
  expect(
      reservation_point, [](Facts& f) { f.estimate = failed<reservation::Estimate>(); }, kWarning,
      "the reason");
}

TEST(CheckPoints, ReservationThatWasCutShort) {
  expect(
      reservation_point, [](Facts& f) { f.next_boot = {.value = "200M"}; }, kWarning,
      "crashkernel=200M was not set completely");
  Facts facts = good();
  facts.next_boot = {.value = "1G,high 128M,low", .remains = {"proxmox-boot-tool refresh"}};
  EXPECT_EQ(reservation_point(facts).next, "lifeboat reserve set '1G,high 128M,low'");
  EXPECT_THAT(reservation_point(facts).detail, HasSubstr("proxmox-boot-tool refresh"));
}

TEST(CheckPoints, ReservationOfTheNextBoot) {
  const reservation::NextBoot next{.value = "200M", .complete = true};
  expect(reservation_point, [&](Facts& f) { f.next_boot = next; }, kOk, "takes effect at the next boot");
  Facts facts = good();
  facts.state.crash_size = 0;
  facts.next_boot = next;
  EXPECT_EQ(reservation_point(facts).result, kFailure);
  EXPECT_EQ(reservation_point(facts).next, "reboot");
}

TEST(CheckPoints, ReservationThatFailed) {
  Facts facts = good();
  facts.state.crash_size = 0;
  facts.reserved.asked = reservation::crashkernel_request("crashkernel=8G");
  facts.failed_reservation = reservation::FailedReservation{
      .reason = reservation::FailureReason::fragmented, .detail = "the reason", .advice = "the advice"};
  EXPECT_EQ(reservation_point(facts).result, kFailure);
  EXPECT_THAT(reservation_point(facts).detail, HasSubstr("crashkernel=8G requests it: the reason"));
  EXPECT_EQ(reservation_point(facts).next, "the advice");
}

TEST(CheckPoints, ReservationWithCma) {
  const auto cma = [](uint64_t got) {
    return [got](Facts& f) {
      f.state.crash_size = 100_MiB;
      f.reserved.asked = reservation::crashkernel_request("crashkernel=100M crashkernel=32M,cma");
      f.reserved.cma_got = got;
      f.reserved.cma = {{0x10000000, 0x10000000 + got}};
    };
  };
  expect(reservation_point, cma(32_MiB), kOk, "32.0 MiB by crashkernel=,cma");
  expect(reservation_point, cma(4_MiB), kWarning, "only 4.0 MiB");
  expect(
      reservation_point,
      [&](Facts& f) {
        cma(32_MiB)(f);
        f.state.crash_size = 80_MiB;
      },
      kFailure, "less than");
  expect(
      reservation_point,
      [&](Facts& f) {
        cma(32_MiB)(f);
        f.config->dump.level = {31, 1};
      },
      kWarning, "level 1 keeps user pages");
  expect(
      reservation_point,
      [&](Facts& f) {
        cma(32_MiB)(f);
        f.reserved.cma_got.reset();
        f.reserved.cma.clear();
      },
      kWarning, "does not show how much");
}

// A package that was removed and not purged leaves its own, and 'reserve set' would refuse.
TEST(CheckPoints, ReservationOfOthers) {
  const auto of_others = [](Facts& f) {
    f.foreign = {{"/etc/default/grub.d/kdump-tools.cfg:1", "crashkernel=192M"}};
  };
  expect(reservation_point, of_others, kOk, "kdump-tools.cfg:1 has crashkernel=192M, not by lifeboat");
  Facts facts = good();
  of_others(facts);
  facts.state.crash_size = 80_MiB;
  EXPECT_THAT(reservation_point(facts).next,
              testing::AllOf(HasSubstr("purge"), HasSubstr("reserve set auto")));
}

TEST(CheckPoints, CaptureCpus) {
  expect(
      cpus_point, [](Facts& f) { f.cpus = {.reason = "about 7 s with one"}; }, kOk, "1: about 7 s with one");
  const auto four = [](unsigned fit, arming::CpuChoice choice) {
    return [=](Facts& f) {
      f.cpus = {.count = 4, .wanted = 4, .choice = choice, .reason = "set by [capture] cpus"};
      f.cpus_that_fit = fit;
    };
  };
  using arming::CpuChoice;
  expect(
      cpus_point, [](Facts& f) { f.config = std::unexpected(Error(ErrorCode::usage, "no section")); },
      kWarning, "not known");
  expect(cpus_point, four(4, CpuChoice::configured), kOk, "4: set by [capture] cpus");
  expect(cpus_point, four(0, CpuChoice::configured), kOk, "4: set by [capture] cpus");
  expect(cpus_point, four(2, CpuChoice::configured), kWarning, "the reservation has memory for 2");
  expect(
      cpus_point, [](Facts& f) { f.cpus = {.problem = "the problem", .fix = "the fix"}; }, kWarning,
      "the problem");
  // What to do is said in the owner's own terms.
  Facts facts = good();
  four(2, CpuChoice::configured)(facts);
  EXPECT_THAT(cpus_point(facts).next,
              testing::AllOf(HasSubstr("lifeboat reserve set auto"), HasSubstr("[capture] cpus = 2")));
  four(2, CpuChoice::parameters)(facts);
  EXPECT_THAT(cpus_point(facts).next, HasSubstr("nr_cpus=2"));
}

TEST(CheckPoints, Kernel) {
  expect(kernel_point, [](Facts& f) { f.kernel = failed<std::string>(); }, kFailure, "the reason");
  expect(kernel_point, [](Facts& f) { f.kernel_problem = "not relocatable"; }, kFailure, "not relocatable");
  expect(modules_point, [](Facts& f) { f.modules_there = false; }, kFailure, "6.12.1-test");
}

TEST(CheckPoints, Initramfs) {
  expect(initramfs_point, [](Facts& f) { f.recipe = failed<arming::Recipe>(); }, kFailure, "the reason");
  expect(initramfs_point, [](Facts& f) { f.initramfs_time = 0; }, kWarning, "is not there");
  expect(
      initramfs_point,
      [](Facts& f) {
        f.initramfs_time = 0;
        f.state.crash_loaded = false;
      },
      kFailure, "is not there");
  expect(initramfs_point, [](Facts& f) { f.stale = "'a' is now 'b'"; }, kWarning, "'a' is now 'b'");
  expect(
      initramfs_point,
      [](Facts& f) {
        f.recipe->warnings = {{arming::RecipeWarningKind::module, "x",
                               Error(ErrorCode::not_found, "left out: no module 'x'").hint("y")}};
      },
      kWarning, "left out: no module 'x'");
  // A target that is away has a point of its own.
  expect(
      initramfs_point,
      [](Facts& f) {
        f.targets.front().found = failed<LocalTarget>();
        f.recipe->warnings = {
            {arming::RecipeWarningKind::target, "/x", Error(ErrorCode::not_found, "worded in another way")}};
      },
      kOk, "initramfs");
}

TEST(CheckPoints, Loaded) {
  expect(loaded_point, [](Facts& f) { f.state.crash_loaded = false; }, kFailure, "no capture kernel");
  expect(loaded_point, [](Facts& f) { f.state.crash_loaded.reset(); }, kFailure, "cannot read whether");
  expect(loaded_point, [](Facts& f) { f.loaded.reset(); }, kWarning, "not by lifeboat");
  expect(
      loaded_point, [](Facts& f) { f.changed = {"/boot/x has changed"}; }, kWarning, "/boot/x has changed");
  expect(loaded_point, [](Facts& f) { f.stale = "'a' is now 'b'"; }, kWarning, "stale: 'a'");
  expect(
      loaded_point, [](Facts& f) { f.release = "6.13"; }, kWarning,
      "the loaded kernel is 6.12.1-test, the configured one is 6.13");
  expect(loaded_point, [](Facts& f) { f.command_line = "a=c"; }, kWarning, "would be 'a=c' now");
}

// Neither a reservation nor a load can help there.
TEST(CheckPoints, KernelWithoutCrashState) {
  Facts facts = good();
  facts.state.crash_size.reset();
  facts.state.crash_loaded.reset();
  facts.foreign = {{"/etc/default/grub.d/kdump-tools.cfg:1", "crashkernel=192M"}};
  for (const auto& point : {reservation_point(facts), loaded_point(facts)}) {
    EXPECT_EQ(point.result, kFailure);
    EXPECT_EQ(point.next, not_armed_because(facts.state).front().fix);
  }
}

TEST(CheckPoints, InstalledKernels) {
  expect(
      newest_kernel_point, [](Facts& f) { f.state.release = "6.1.0-test"; }, kOk,
      "6.12.1-test is the newest");
  expect(newest_kernel_point, [](Facts& f) { f.installed.clear(); }, kOk, "none");
  expect(boot_entry_point, [](Facts& f) { f.boot_entry->title = "Debian"; }, kOk, "'Debian'");
  expect(
      boot_entry_point, [](Facts& f) { f.boot_entry = fail(ErrorCode::not_found, "no kernel"); }, kOk,
      "none was found");
  expect(
      boot_entry_point, [](Facts& f) { f.boot_entry = fail(ErrorCode::unsupported, "grub.cfg:7: 'x'"); },
      kWarning, "grub.cfg:7");
  expect(
      boot_entry_point, [](Facts& f) { f.boot_entry->notes = {"the default 'x' is not in GRUB's menu"}; },
      kWarning, "the default 'x'");
}

TEST(CheckPoints, Target) {
  expect_target(
      target_point, [](TargetFacts& t) { t.found = failed<LocalTarget>(); }, kFailure, "the reason");
  Facts facts = good();
  facts.targets.push_back({.name = "/other", .found = failed<LocalTarget>(), .store = {}});
  EXPECT_TRUE(would_capture(all_points(facts)));
  facts.targets.erase(facts.targets.begin());
  EXPECT_FALSE(would_capture(all_points(facts)));
}

TEST(CheckPoints, WhatIsWrongWithOneTargetCostsNothingWhereAnotherIsGood) {
  const auto bad = [](auto change) {
    TargetFacts target = good().targets.front();
    target.name = "/other";
    change(target);
    return target;
  };
  for (const auto& other : {bad([](TargetFacts& t) { t.drivers.front().carried = false; }),
                            bad([](TargetFacts& t) { t.store->space.free = 0; }), bad([](TargetFacts& t) {
                              t.store->obstacle = Error(ErrorCode::io, "a file");
                            })}) {
    Facts facts = good();
    for (const bool first : {false, true}) {
      facts = good();
      facts.targets.insert(first ? facts.targets.begin() : facts.targets.end(), other);
      const auto points = all_points(facts);
      EXPECT_TRUE(would_capture(points));
      EXPECT_THAT(points, testing::Contains(
                              testing::AllOf(testing::Field(&Point::result, kWarning),
                                             testing::Field(&Point::name, testing::EndsWith(" /other")))));
    }
    // Each is bad in its own way: none will take the dump.
    facts.targets = {other, bad([](TargetFacts& t) { t.found = failed<LocalTarget>(); })};
    EXPECT_FALSE(would_capture(all_points(facts)));
  }
}

TEST(CheckPoints, TargetDrivers) {
  const auto expect_drivers = [](auto change, PointResult result, std::string_view detail) {
    Facts facts = good();
    change(facts);
    const Point point = target_drivers_point(facts, facts.targets.front());
    EXPECT_EQ(point.result, result) << point.detail;
    EXPECT_THAT(point.detail, HasSubstr(detail));
    EXPECT_EQ(point.next.empty(), result == kOk);
  };
  expect_drivers([](Facts&) {}, kOk, "virtio-blk, ext4");
  const auto lacks = [](size_t index) {
    return [index](Facts& f) { f.targets.front().drivers[index].carried = false; };
  };
  expect_drivers(lacks(0), kFailure, "virtio-blk: neither");
  expect_drivers(lacks(1), kFailure, "pci:v00001AF4d00001042: neither");
  expect_drivers(lacks(2), kFailure, "ext4: neither");
  const auto unknown = [](Facts& f) {
    f.recipe->warnings = {{arming::RecipeWarningKind::driver, f.targets.front().found->device,
                           Error(ErrorCode::not_found, "no driver shown").hint("name it")}};
  };
  expect_drivers(unknown, kFailure, "no driver shown");
  const auto named = [&](Facts& f) {
    unknown(f);
    f.config->capture.module = {"mydisk"};
  };
  expect_drivers(named, kWarning, "mydisk");
  const auto of_another = [&](Facts& f) {
    unknown(f);
    f.recipe->warnings.front().subject = "/dev/other";
  };
  expect_drivers(of_another, kOk, "virtio-blk");
  expect_drivers([](Facts& f) { f.recipe = failed<arming::Recipe>(); }, kFailure, "unknown");
}

TEST(CheckPoints, TargetSpace) {
  const auto expect_space = [](const auto& change, PointResult result, std::string_view detail) {
    Facts facts = good();
    change(facts, *facts.targets.front().store);
    const Point point = target_space_point(facts, facts.targets.front());
    EXPECT_EQ(point.result, result) << point.detail;
    EXPECT_THAT(point.detail, HasSubstr(detail));
    EXPECT_EQ(point.next.empty(), result == kOk);
  };
  expect_space([](Facts&, StoreFacts&) {}, kOk, "40.0 MiB (the largest");
  // 8 GiB less free, cached and anonymous memory: 1 GiB, halved.
  expect_space([](Facts&, StoreFacts& s) { s.crashes.clear(); }, kOk,
               "512.0 MiB (estimated for level 31 from");
  expect_space(
      [](Facts& f, StoreFacts& s) {
        s.crashes.clear();
        f.config->dump.level = {0};
        f.config->dump.compression.compression = Compression::none;
      },
      kOk, "8.0 GiB (estimated for level 0 from the memory in use now)");
  expect_space(
      [](Facts& f, StoreFacts& s) {
        s.crashes.clear();
        f.measured_dump = Result<uint64_t>(77_MiB);
      },
      kOk, "77.0 MiB (at level 31, by the memory as it is now)");
  expect_space(
      [](Facts& f, StoreFacts& s) {
        s.crashes.clear();
        f.measured_dump = Result<uint64_t>(fail(ErrorCode::no_permission, "lockdown"));
      },
      kOk,
      "512.0 MiB (estimated for level 31 from the memory in use now, halved by compression; a guess, because "
      "lockdown)");
  // The capture chooses the codec: it compresses.
  expect_space(
      [](Facts& f, StoreFacts& s) {
        s.crashes.clear();
        f.config->dump.compression = {.compression = Compression::none, .automatic = true};
      },
      kOk, "512.0 MiB (estimated for level 31 from the memory in use now, halved by compression)");
  expect_space([](Facts&, StoreFacts& s) { s.space.free = 20_MiB; }, kWarning, "20.0 MiB free");
  expect_space([](Facts&, StoreFacts& s) { s.space.free = 5_MiB; }, kFailure, "5.0 MiB free");
  expect_space(
      [](Facts&, StoreFacts& s) {
        s.space.free = 5_MiB;
        s.crashes.push_back(whole_crash());
      },
      kOk, "40.0 MiB of older crashes would be removed");
  // Without a whole one the newest stays: the state after a dump that filled the disk.
  expect_space(
      [](Facts&, StoreFacts& s) {
        s.space.free = 8_MiB;
        s.crashes.front().outcome = CrashOutcome::incomplete;
        s.crashes.front().bytes = 600_MiB;
      },
      kFailure, "8.0 MiB free");
  // Without a dump hardly any is needed; where none will do, a target that is too small is no failure.
  const auto level = [](const std::vector<int>& levels, uint64_t free) {
    return [=](Facts& f, StoreFacts& s) {
      f.config->dump.level = levels;
      s.space.free = free;
    };
  };
  expect_space(level({kNoDump}, 20_MiB), kOk, "8.0 MiB (log and report alone");
  expect_space(level({kNoDump}, 5_MiB), kWarning, "5.0 MiB free");
  expect_space(level({kNoDump}, 1_MiB), kFailure, "1.0 MiB free");
  expect_space(level({31, kNoDump}, 9_MiB), kWarning, "only log and report are saved");
  expect_space(level({31, kNoDump}, 5_MiB), kFailure, "5.0 MiB free");
  expect_space([](Facts&, StoreFacts& s) { s.space.total = 0; }, kWarning, "cannot read its free space");
  expect_space([](Facts& f, StoreFacts&) { f.targets.front().store.reset(); }, kOk, "not mounted");
}

TEST(CheckPoints, TargetStore) {
  using T = TargetFacts;
  expect_target(target_store_point, [](T&) {}, kOk, "ready");
  expect_target(target_store_point, [](T& t) { t.store.reset(); }, kOk, "not mounted");
  expect_target(target_store_point, [](T& t) { t.store->there = false; }, kOk, "first capture creates it");
  expect_target(
      target_store_point, [](T& t) { t.store->real = "/srv/crash"; }, kOk, "real path is /srv/crash");
  expect_target(
      target_store_point,
      [](T& t) { t.store->obstacle = Error(ErrorCode::unsupported, "a link of user 1000"); }, kFailure,
      "a link of user 1000");
  expect_target(target_store_point, [](T& t) { t.store->read_only = true; }, kWarning, "read-only");
  expect_target(target_store_point, [](T& t) { t.store->owner = 1000; }, kWarning, "user 1000");
  expect_target(target_store_point, [](T& t) { t.store->mode = 0755; }, kWarning, "mode 0755");
  expect_target(target_store_point, [](T& t) { t.store->unreadable = true; }, kWarning, "cannot read it");
}

TEST(CheckPoints, Signature) {
  expect(signature_point, [](Facts& f) { f.state.lockdown = Lockdown::integrity; }, kOk, "accepted");
  expect(
      signature_point,
      [](Facts& f) {
        f.state.lockdown = Lockdown::integrity;
        f.state.crash_loaded = false;
      },
      kWarning, "lockdown (integrity)");
  expect(
      signature_point,
      [](Facts& f) {
        f.state.lockdown.reset();
        f.state.secure_boot = true;
        f.state.crash_loaded = false;
      },
      kWarning, "Secure Boot");
}

TEST(CheckPoints, SignatureThatTheKernelRequiresWithoutLockdown) {
  expect(signature_point, [](Facts& f) { f.state.signature_forced = false; }, kOk, "not required");
  expect(signature_point, [](Facts& f) { f.state.signature_forced = true; }, kOk, "KEXEC_SIG_FORCE");
  expect(
      signature_point,
      [](Facts& f) {
        f.state.signature_forced = true;
        f.state.crash_loaded = false;
      },
      kWarning, "KEXEC_SIG_FORCE");
  expect(
      signature_point,
      [](Facts& f) {
        f.state.signature_forced = true;
        f.loaded->call = "segments";
      },
      kOk, "not checked");
  expect(
      signature_point,
      [](Facts& f) {
        f.state.signature_forced = true;
        f.state.crash_loaded = false;
        f.config->capture.syscall = LoadCall::segments;
      },
      kOk, "not checked");
}

TEST(CheckPoints, ConfiguredCallInLockdown) {
  const auto lock = [](Facts& f, bool loaded) {
    f.state.lockdown = Lockdown::integrity;
    f.state.crash_loaded = loaded;
    f.config->capture.syscall = LoadCall::segments;
  };
  expect(signature_point, [&](Facts& f) { lock(f, true); }, kWarning, "[capture] syscall = segments");
  expect(signature_point, [&](Facts& f) { lock(f, false); }, kFailure, "[capture] syscall = segments");
}

TEST(CheckPoints, LoadedByAnotherCallThanConfigured) {
  const auto configure = [](LoadCall call) { return [call](Facts& f) { f.config->capture.syscall = call; }; };
  expect(loaded_point, configure(LoadCall::segments), kWarning, "[capture] syscall is now 'segments'");
  expect(loaded_point, configure(LoadCall::file), kOk, "");
  expect(loaded_point, configure(LoadCall::automatic), kOk, "");
}

TEST(CheckPoints, Xen) {
  expect(hypervisor_point, [](Facts& f) { f.state.xen = XenDomain::guest; }, kOk, "guest");
  expect(hypervisor_point, [](Facts& f) { f.state.xen = XenDomain::dom0; }, kFailure, "dom0");
  expect(hypervisor_point, [](Facts& f) { f.state.xen = XenDomain::pv_guest; }, kFailure, "paravirtualised");
  Facts facts = good();
  facts.state.xen = XenDomain::dom0;
  EXPECT_FALSE(would_capture(all_points(facts)));
  EXPECT_EQ(loaded_point(facts).result, kFailure) << "what is loaded would not start";
  // No other point sends to lifeboat's own commands, which do not help.
  facts.state.crash_size = 0;
  facts.state.crash_loaded = false;
  facts.foreign = {{"/etc/default/grub:1", "crashkernel=192M"}};
  for (const auto& point : {hypervisor_point(facts), reservation_point(facts), loaded_point(facts)}) {
    EXPECT_EQ(point.result, kFailure);
    EXPECT_THAT(point.next, HasSubstr("GRUB_CMDLINE_XEN")) << point.name;
    EXPECT_THAT(point.next, Not(HasSubstr("lifeboat"))) << point.name;
  }
}

TEST(CheckPoints, PreservedMemory) {
  expect(
      handover_point,
      [](Facts& f) {
        f.state.handover = "kho=on on the kernel command line";
        f.loaded->call = "segments";
      },
      kOk, "kho=on");
  expect(
      handover_point,
      [](Facts& f) {
        f.state.handover = "kho=on on the kernel command line";
        f.state.crash_loaded = false;
      },
      kOk, "kho=on");
  expect(handover_point, [](Facts& f) { f.state.handover = "kho=1"; }, kWarning, "does not start");
  expect(
      handover_point,
      [](Facts& f) {
        f.state.handover = "kho=1";
        f.loaded.reset();
      },
      kWarning, "kho=1");
}

TEST(CheckPoints, Limits) {
  expect(limits_point, [](Facts& f) { f.state.load_disabled = true; }, kWarning, "cannot be replaced");
  expect(
      limits_point,
      [](Facts& f) {
        f.state.load_disabled = true;
        f.state.crash_loaded = false;
      },
      kFailure, "nothing can be loaded");
  expect(limits_point, [](Facts& f) { f.state.crash_load_limit = 0; }, kWarning, "limit_panic is 0");
  expect(limits_point, [](Facts& f) { f.state.crash_load_limit = 3; }, kOk, "3 more");
}

TEST(CheckPoints, PanicSettings) {
  expect(panic_point, [](Facts&) {}, kOk, "panic_on_oops = 1");
  expect(panic_point, [](Facts& f) { f.settings["panic"] = "0"; }, kWarning, "kernel.panic is 0");
}

TEST(CheckPoints, Units) {
  expect(units_point, [](Facts& f) { f.systemd = false; }, kOk, "no systemd");
  const auto set = [](const char* unit, UnitState state) { return [=](Facts& f) { f.units[unit] = state; }; };
  expect(units_point, set("lifeboat-load.service", UnitState::disabled), kWarning, "not enabled");
  expect(
      units_point, [](Facts& f) { f.units.clear(); }, kWarning, "lifeboat-collect.service is not installed");
  expect(units_point, set("lifeboat-collect.service", UnitState::masked), kWarning, "masked");
  Facts facts = good();
  facts.units["lifeboat-load.service"] = UnitState::masked;
  EXPECT_THAT(units_point(facts).next, HasSubstr("systemctl unmask lifeboat-load.service"));
}

TEST(CheckPoints, Hotplug) {
  const auto old = [](Facts& f) { f.state.cpu_hotplug.reset(); };
  const auto old_and = [&](auto change) {
    return [=](Facts& f) {
      old(f);
      change(f);
    };
  };
  expect(hotplug_point, old, kOk, "a udev rule");
  expect(hotplug_point, [](Facts& f) { f.state.memory_hotplug = false; }, kOk, "a udev rule");
  expect(hotplug_point, old_and([](Facts& f) { f.udev_rule = false; }), kWarning,
         "udev rule is not installed");
  // The rule only leaves a file; it is the path unit that sees it.
  for (const auto& [state, word] : {std::pair(UnitState::missing, "lifeboat-reload.path is not installed"),
                                    {UnitState::masked, "lifeboat-reload.path is masked"},
                                    {UnitState::disabled, "lifeboat-reload.path is not enabled"}})
    expect(hotplug_point, old_and([&](Facts& f) { f.units["lifeboat-reload.path"] = state; }), kWarning,
           word);
  expect(hotplug_point, old_and([](Facts& f) { f.systemd = false; }), kWarning, "no systemd");
}

TEST(CheckPoints, Watchdog) {
  expect(watchdog_point, [](Facts&) {}, kOk, "feeds it");
  expect(watchdog_point, [](Facts& f) { f.watchdogs.clear(); }, kOk, "none runs");
  expect(watchdog_point, [](Facts& f) { f.watchdogs[0].runs = false; }, kOk, "none runs");
  expect(watchdog_point, [](Facts& f) { f.watchdogs[0].driver.clear(); }, kOk, "built in");
  expect(watchdog_point, [](Facts& f) { f.watchdogs[0].carried = false; }, kWarning, "not in the initramfs");
  expect(watchdog_point, [](Facts& f) { f.config->capture.watchdog = false; }, kWarning, "watchdog is off");
  expect(
      watchdog_point, [](Facts& f) { f.watchdogs[0].pretimeout = 10; }, kOk, "pretimeout of 10 s turned off");
  const auto panics = [](Facts& f) {
    f.watchdogs[0].pretimeout = 10;
    f.watchdogs[0].can_calm = false;
  };
  expect(watchdog_point, panics, kWarning, "may panic the capture kernel");
  expect(watchdog_point, [](Facts& f) { f.watchdogs[0].can_calm = false; }, kOk, "feeds it");
  expect(
      watchdog_point,
      [](Facts& f) {
        f.watchdogs = {{.name = "/dev/watchdog",
                        .driver = "ipmi_watchdog",
                        .runs = true,
                        .carried = false,
                        .old = true}};
      },
      kWarning, "/dev/watchdog may run (ipmi_watchdog)");
  Facts old = good();
  old.watchdogs = {
      {.name = "/dev/watchdog", .driver = "ipmi_watchdog", .runs = true, .carried = false, .old = true}};
  EXPECT_THAT(watchdog_point(old).next, HasSubstr("[capture] module"));
}

TEST(CheckPoints, OtherTools) {
  expect(
      conflict_point, [](Facts& f) { f.units["kdump-tools.service"] = UnitState::enabled; }, kWarning,
      "kdump-tools.service");
  for (const auto state : {UnitState::disabled, UnitState::masked, UnitState::missing})
    expect(conflict_point, [=](Facts& f) { f.units["kdump-tools.service"] = state; }, kOk, "none");
}

TEST(CheckPoints, Rehearsal) {
  expect(rehearsal_point, [](Facts& f) { f.rehearsal.reset(); }, kWarning, "no rehearsal");
  expect(rehearsal_point, [](Facts& f) { f.rehearsal->release = "6.1"; }, kWarning, "used 6.1, not");
  expect(
      rehearsal_point,
      [](Facts& f) {
        f.rehearsal->whole = false;
        f.rehearsal->problem = "no memory";
      },
      kFailure, "no memory");
  expect(
      rehearsal_point,
      [](Facts& f) {
        f.rehearsal->whole = false;
        f.rehearsal->log_only = true;
      },
      kOk, "log and report were saved");
  expect(rehearsal_point, [](Facts& f) { f.initramfs_digest = "def"; }, kWarning, "has changed since");
  expect(
      rehearsal_point,
      [](Facts& f) {
        f.rehearsal->initramfs_digest.clear();
        f.rehearsal->time = 999;
      },
      kWarning, "has changed since");
  expect(rehearsal_point, [](Facts& f) { f.rehearsal->initramfs_digest.clear(); }, kOk, "whole");
}

TEST(CheckPoints, LastCrash) {
  const auto crash = [](Facts& f) -> StoredCrash& { return f.targets.front().store->crashes.front(); };
  expect(last_crash_point, [](Facts& f) { f.targets.front().store->crashes.clear(); }, kOk, "none is saved");
  expect(
      last_crash_point, [&](Facts& f) { crash(f).outcome = CrashOutcome::incomplete; }, kWarning,
      "incomplete");
  expect(
      last_crash_point,
      [&](Facts& f) {
        crash(f).outcome = CrashOutcome::incomplete;
        crash(f).record->dump = DumpOutcome::incomplete;
        crash(f).record->lost_pages = 3;
      },
      kWarning, "3 pages could not be read");
  expect(last_crash_point, [&](Facts& f) { crash(f).record->collected.reset(); }, kWarning, "not collected");
  expect(last_crash_point, [&](Facts& f) { crash(f).record.reset(); }, kWarning, "not collected");
}

TEST(CheckPoints, LastCrashWithoutADump) {
  const auto saved_as = [](DumpOutcome dump, bool fell_back) {
    return [=](Facts& f) {
      auto& crash = f.targets.front().store->crashes.front();
      crash.outcome = CrashOutcome::log_only;
      crash.record->dump = dump;
      crash.record->fell_back = fell_back;
    };
  };
  expect(last_crash_point, saved_as(DumpOutcome::log_only, false), kOk, "log only, as configured");
  expect(last_crash_point, saved_as(DumpOutcome::log_only, true), kWarning, "too small for the dump");
  expect(last_crash_point, saved_as(DumpOutcome::failed, false), kWarning, "the last capture failed");
  Facts facts = good();
  saved_as(DumpOutcome::log_only, false)(facts);
  facts.targets.front().store->crashes.front().record->collected.reset();
  EXPECT_EQ(last_crash_point(facts).next, "lifeboat collect");
}

TEST(CheckPoints, LastCrashThatPstoreMayHaveUnseen) {
  const auto idle = [](Facts& f) { f.pstore_driver = {.there = true, .module = "efi_pstore"}; };
  expect(last_crash_point, idle, kWarning, "efi_pstore is not loaded");
  Facts facts = good();
  idle(facts);
  EXPECT_EQ(last_crash_point(facts).next, "modprobe efi_pstore; lifeboat collect");
  facts.config->collect.pstore = false;
  EXPECT_EQ(last_crash_point(facts).result, kOk);
  expect(
      last_crash_point,
      [](Facts& f) { f.pstore_driver = {.there = true, .module = "efi_pstore", .loaded = true}; }, kOk,
      "whole");
  expect(
      last_crash_point, [](Facts& f) { f.pstore_driver = {.there = true, .active = "erst"}; }, kWarning,
      "not mounted");
  expect(
      last_crash_point,
      [](Facts& f) { f.pstore_driver = {.there = true, .mounted = true, .active = "erst"}; }, kOk, "whole");
}

TEST(CheckPoints, LastCrashThatOnlyPstoreHas) {
  Facts facts = good();
  facts.pstore = {{"/sys/fs/pstore/dmesg-efi-1", 1795423348}, {"/sys/fs/pstore/dmesg-efi-0", 1795423347}};
  facts.targets.front().store->crashes.clear();
  const Point point = last_crash_point(facts);
  EXPECT_EQ(point.result, kWarning);
  EXPECT_THAT(point.detail, HasSubstr("none is saved; there are 2 records in pstore without a saved crash, "
                                      "the newest of 2026-11-23 08:42:28 UTC"));
  EXPECT_THAT(point.next, HasSubstr("less /sys/fs/pstore/dmesg-efi-1"));
  // They may be of the crash that is to be collected.
  facts = good();
  facts.pstore = {{"/sys/fs/pstore/dmesg-efi-1", 1795423348}};
  facts.targets.front().store->crashes.front().record.reset();
  EXPECT_EQ(last_crash_point(facts).next, "lifeboat collect");
}

TEST(CheckPoints, LastCrashIsNamedSoThatAShellFindsIt) {
  Facts facts = good();
  auto& store = *facts.targets.front().store;
  facts.targets.front().name = "LABEL=my dumps /crash";
  store.path = "/mnt/my dumps";
  store.crashes.front().name = "20261123T084228Z";
  store.crashes.front().outcome = CrashOutcome::incomplete;
  EXPECT_EQ(last_crash_point(facts).next, "see why: cat '/mnt/my dumps/20261123T084228Z/capture.log'");
}

}  // namespace
}  // namespace lifeboat::check
