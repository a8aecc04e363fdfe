// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/this_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "src/arming/loaded_state.h"
#include "tests/support/crash_points.h"
#include "tests/support/results.h"

namespace lifeboat::rehearse {
namespace {

using test::code_of;
using testing::HasSubstr;

constexpr const char* kBootId = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";

class RealCrash : public testing::Test {
 protected:
  RealCrash() {
    put("proc/sysrq-trigger", "");
    put("proc/sys/kernel/random/boot_id", std::string(kBootId) + "\n");
    put("proc/sys/kernel/osrelease", "6.1.0-running\n");
    put("sys/kernel/kexec_crash_loaded", "1\n");
    put("sys/kernel/kexec_crash_size", "268435456\n");
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void put(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0600));
  }
  [[nodiscard]] std::string trigger() const { return read_text(path("proc/sysrq-trigger")).value_or(""); }
  [[nodiscard]] auto pending() const { return arming::read_pending_rehearsal(paths_.pending); }

  TempDir folder_ = TempDir::create("real-crash-test").value();
  RealPaths paths_{.system = {.sys = path("sys"), .proc = path("proc"), .iomem = {}, .run = path("run")},
                   .pending = path("lib/pending.json")};
};

TEST_F(RealCrash, NeedsAnArmedMachine) {
  EXPECT_TRUE(check_armed(paths_.system));
  put("sys/kernel/kexec_crash_loaded", "0\n");
  const auto armed = check_armed(paths_.system);
  EXPECT_EQ(code_of(armed), ErrorCode::unsupported);
  EXPECT_FALSE(armed.error().fix.empty());
}

TEST_F(RealCrash, AMachineThatDoesNotCrashHasNothingPending) {
  const Error error = crash_this_machine(paths_, 7);
  EXPECT_THAT(error.message, HasSubstr("did not crash"));
  EXPECT_EQ(trigger(), "c");
  EXPECT_FALSE(pending());
}

// What the next boot finds when the crash comes with the write of the trigger.
TEST_F(RealCrash, IsPendingAndSyncedBeforeTheCrash) {
  const arming::LoadedState loaded{.kernel = {}, .initramfs = {{"/i", 1, "abc"}}, .release = "6.12-capture"};
  ASSERT_TRUE(arming::save_loaded_state(loaded, arming::loaded_state_file(paths_.system.run)));
  bool synced = false;
  std::optional<arming::PendingRehearsal> before;
  sys::set_fault_hook([&](sys::Call call) {
    if (call == sys::Call::sync) {
      synced = true;
      before = pending();
      EXPECT_EQ(trigger(), "") << "the crash comes last";
      return sys::kPretend;
    }
    return 0;
  });
  (void)crash_this_machine(paths_, 7);
  sys::set_fault_hook({});
  EXPECT_TRUE(synced);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->time, 7U);
  EXPECT_EQ(before->boot_id, kBootId);
  EXPECT_EQ(before->release, "6.12-capture");
  EXPECT_EQ(before->initramfs_digest, "abc");
}

TEST_F(RealCrash, ATriggerThatCannotBeWrittenLeavesNothingPending) {
  std::filesystem::remove(path("proc/sysrq-trigger"));
  EXPECT_EQ(crash_this_machine(paths_, 7).code, ErrorCode::not_found);
  EXPECT_FALSE(pending());
}

// No crash without a record of it: the next boot would not look for its dump.
TEST_F(RealCrash, IsNeverTriggeredWithoutTheRecord) {
  const auto pretend_sync = [](sys::Call call) { return call == sys::Call::sync ? sys::kPretend : 0; };
  bool more = true;
  for (int nth = 0; more; ++nth) {
    put("proc/sysrq-trigger", "");
    std::filesystem::remove(paths_.pending);
    bool recorded = false;
    {
      const test::InterruptedCalls calls(
          nth,
          [&](sys::Call call) {
            recorded |= pending().has_value();
            return pretend_sync(call);
          },
          [] { return EIO; });
      (void)crash_this_machine(paths_, 7);
      more = calls.fired();
    }
    EXPECT_TRUE(recorded || trigger().empty()) << nth;
    ASSERT_LT(nth, 200);
  }
}

TEST(RehearsalRecordOf, IsOfTheTriedInitramfs) {
  MachineCapture machine;
  machine.initramfs = {std::byte{1}, std::byte{2}};
  RehearsalResult result;
  result.problem = "the dump is not whole";
  result.release = "6.12";
  result.memory_lowest_kib = 5;
  const auto record = rehearsal_record(result, machine, 9);
  EXPECT_EQ(record.time, 9U);
  EXPECT_FALSE(record.real);
  EXPECT_FALSE(record.whole);
  EXPECT_EQ(record.problem, "the dump is not whole");
  EXPECT_EQ(record.initramfs_digest, arming::digest_bytes({}, machine.initramfs).digest);
  EXPECT_EQ(record.memory_lowest_kib, 5U);
}

TEST(OptionThatDiffers, IsOneThatChangesTheGuestOrTheCapture) {
  const auto differs = [](const std::set<std::string>& given) {
    return option_that_differs([&](const std::string& name) { return given.contains(name); });
  };
  EXPECT_FALSE(differs({}));
  // They change neither what is loaded nor what it must do.
  EXPECT_FALSE(differs({"output", "accel", "copy-elf", "json"}));
  for (const char* option : {"config", "init", "memory", "cpus", "capture-cpus", "cpu-model", "crashkernel",
                             "level", "compress", "disk-size", "timeout", "target-uuid"})
    EXPECT_EQ(differs({"output", option}), option);
}

TEST(RecordRehearsal, AlsoOfAFailure) {
  const TempDir folder = TempDir::create("record-rehearsal-test").value();
  const std::string path = folder.path() / "rehearsal.json";
  RehearsalResult result;
  result.problem = "the dump is not whole";
  result.release = "6.12";
  ASSERT_TRUE(record_rehearsal(result, {}, 9, true, path));
  const auto record = arming::read_rehearsal(path);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->time, 9U);
  EXPECT_FALSE(record->whole);
  EXPECT_EQ(record->problem, "the dump is not whole");
  result.whole = true;
  result.problem = "";
  ASSERT_TRUE(record_rehearsal(result, {}, 10, true, path));
  EXPECT_TRUE(arming::read_rehearsal(path)->whole);
}

// To rehearse, one need not be root; to record it, one must.
TEST(RecordRehearsal, OnlyRootMissesARecordThatCannotBeSaved) {
  const TempDir folder = TempDir::create("record-rehearsal-test").value();
  const std::string file = folder.path() / "file";
  ASSERT_TRUE(write_file_atomically(file, {}, 0600));
  const std::string below = file + "/rehearsal.json";
  EXPECT_FALSE(record_rehearsal({}, {}, 9, true, below));
  EXPECT_TRUE(record_rehearsal({}, {}, 9, false, below));
  EXPECT_FALSE(arming::read_rehearsal(below));
}

}  // namespace
}  // namespace lifeboat::rehearse
