// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/system_capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "src/base/log.h"
#include "src/base/process.h"
#include "src/base/size.h"
#include "src/store/crash_list.h"
#include "tests/support/fake_system.h"
#include "tests/support/faults.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::capture {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::code_of;
using test::KdumpBuilder;
using test::why;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SystemCaptures : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([this](log::Level, std::string_view text) { logged_.emplace_back(text); });
    test::FakeSystem().fake.write_elf(path("vmcore"));
    capture_.source = path("vmcore");
    capture_.plan.capture.report = false;
    capture_.run = path("run");
    capture_.folders = {folder("a"), folder("b")};
  }
  void TearDown() override { log::set_sink({}); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  [[nodiscard]] std::function<Result<std::string>()> folder(const std::string& name) const {
    return [place = path(name)]() -> Result<std::string> { return place; };
  }
  static Result<std::string> not_mounted() { return fail(ErrorCode::not_found, "UUID=x is not mounted"); }
  [[nodiscard]] static size_t crashes_in(const std::string& store) {
    if (!fs::exists(store)) return 0;
    const UniqueFd fd = open_file(store, O_RDONLY | O_DIRECTORY).value();
    return list_crashes(fd.get())->size();
  }
  // Of another process: a lock of its own.
  [[nodiscard]] Journal other_capture() const {
    fs::create_directories(capture_.run);
    Journal journal(capture_.run);
    EXPECT_TRUE(journal.claim());
    return journal;
  }

  TempDir folder_ = TempDir::create("system-capture-test").value();
  SystemCapture capture_;
  std::vector<std::string> logged_;
};

TEST_F(SystemCaptures, SaveIntoTheFirstFolder) {
  const auto end = capture_in_system(capture_);
  ASSERT_TRUE(end) << why(end);
  EXPECT_EQ(end->outcome, DumpOutcome::whole);
  EXPECT_EQ(fs::path(end->folder).parent_path(), path("a"));
  EXPECT_EQ(crashes_in(path("a")), 1U);
  EXPECT_EQ(crashes_in(path("b")), 0U);
}

TEST_F(SystemCaptures, GoOnWhereATargetIsNotMounted) {
  capture_.folders.front() = not_mounted;
  const auto end = capture_in_system(capture_);
  ASSERT_TRUE(end) << why(end);
  EXPECT_EQ(end->outcome, DumpOutcome::whole);
  EXPECT_EQ(crashes_in(path("b")), 1U);
}

TEST_F(SystemCaptures, WithoutATargetHaveFailed) {
  capture_.folders = {not_mounted};
  for (const auto system : {CaptureSystem::working, CaptureSystem::of_capture_kernel}) {
    capture_.system = system;
    const auto end = capture_in_system(capture_);
    ASSERT_TRUE(end) << why(end);
    EXPECT_EQ(end->outcome, DumpOutcome::failed);
    EXPECT_EQ(end->folder, "");
  }
}

TEST_F(SystemCaptures, AreOneAtATimeOnAWorkingSystem) {
  const Journal other = other_capture();
  const auto end = capture_in_system(capture_);
  EXPECT_EQ(code_of(end), ErrorCode::busy);
  EXPECT_FALSE(end.error().fix.empty());
  EXPECT_EQ(crashes_in(path("a")), 0U);
}

CrashRecord record_in(const std::string& folder) {
  const UniqueFd fd = open_file(folder, O_RDONLY | O_DIRECTORY).value();
  return read_crash_record(fd.get()).value_or(CrashRecord{});
}

TEST_F(SystemCaptures, OfTheLevelNoneSaveLogAndReportAlone) {
  capture_.plan.dump.level = {kNoDump};
  capture_.plan.capture.report = true;
  capture_.plan.retention = {.keep = 1};
  fs::create_directories(path("a/20200101T000000Z"));
  const auto end = capture_in_system(capture_);
  ASSERT_TRUE(end) << why(end);
  EXPECT_EQ(end->outcome, DumpOutcome::log_only);
  EXPECT_FALSE(end->fell_back);
  EXPECT_TRUE(fs::exists(end->folder + "/vmcore-dmesg.txt"));
  EXPECT_TRUE(fs::exists(end->folder + "/report.json"));
  for (const char* name : {"/vmcore", "/vmcore.incomplete"})
    EXPECT_FALSE(fs::exists(end->folder + name)) << name;
  const CrashRecord record = record_in(end->folder);
  EXPECT_EQ(record.outcome, CrashOutcome::log_only);
  EXPECT_EQ(record.dump, DumpOutcome::log_only);
  EXPECT_TRUE(log_only_as_configured(record.outcome, record));
  EXPECT_THAT(record.problems, IsEmpty());
  EXPECT_EQ(crashes_in(path("a")), 1U) << "[retention] is applied";
  EXPECT_EQ(crashes_in(path("b")), 0U);
}

TEST_F(SystemCaptures, OfTheLevelNoneWithoutTheLogHaveFailed) {
  capture_.plan.dump.level = {kNoDump};
  KdumpBuilder no_kernel(64);
  no_kernel.page(1, std::vector<std::byte>(kPageSize));
  ASSERT_TRUE(write_file_atomically(path("vmcore"), no_kernel.build(), 0600));
  const auto end = capture_in_system(capture_);
  ASSERT_TRUE(end) << why(end);
  EXPECT_EQ(end->outcome, DumpOutcome::failed);
  EXPECT_EQ(crashes_in(path("b")), 1U) << "the next target was tried";
}

// The first folder takes no file of that size; the log fits.
TEST_F(SystemCaptures, FallBackToTheLevelNoneWhereNoDumpFits) {
  capture_.plan.dump.level = {0, kNoDump};
  capture_.plan.dump.compression = {.compression = Compression::none};
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 96_KiB, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  fail_writes_at_size_limit();
  const auto end = capture_in_system(capture_);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_TRUE(end) << why(end);
  EXPECT_EQ(end->outcome, DumpOutcome::log_only);
  EXPECT_TRUE(end->fell_back);
  EXPECT_EQ(crashes_in(path("b")), 1U) << "the next target was tried";
  const CrashRecord record = record_in(end->folder);
  EXPECT_EQ(record.outcome, CrashOutcome::log_only);
  EXPECT_TRUE(record.fell_back);
  EXPECT_FALSE(log_only_as_configured(record.outcome, record));
  EXPECT_THAT(record.problems, ElementsAre(HasSubstr("there is no dump: ")));
  EXPECT_FALSE(fs::exists(end->folder + "/vmcore.incomplete"));
}

// The restart that follows must not interrupt the other one for ever, and the dump must not be lost.
TEST_F(SystemCaptures, WaitForAnotherOneInTheCaptureKernelButNotForEver) {
  const Journal other = other_capture();
  capture_.system = CaptureSystem::of_capture_kernel;
  capture_.plan.capture.deadline = 1s;
  const auto begin = std::chrono::steady_clock::now();
  const auto end = capture_in_system(capture_);
  ASSERT_TRUE(end) << why(end);
  EXPECT_EQ(end->outcome, DumpOutcome::whole);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 3s) << "a deadline for each target, and one more";
}

TEST_F(SystemCaptures, TheOtherOneIsWaitedFor) {
  auto other = std::make_unique<Journal>(other_capture());
  Journal journal(capture_.run);
  int waited = 0;
  claim_or_go_on(journal, 60s, [&] {
    if (++waited == 2) other.reset();
  });
  EXPECT_EQ(waited, 2);
  EXPECT_THAT(logged_, ElementsAre(HasSubstr("another lifeboat")));
  // It holds the lock now.
  Journal third(capture_.run);
  EXPECT_EQ(code_of(third.claim()), ErrorCode::busy);
}

TEST_F(SystemCaptures, ABrokenLockDoesNotPreventTheDump) {
  fs::create_directories(capture_.run);
  Journal journal(capture_.run);
  ASSERT_TRUE(journal.begin("/of an earlier one", {}));
  const test::FaultInjection fault(sys::Call::open, 0, EROFS);
  int waited = 0;
  claim_or_go_on(journal, 60s, [&] { ++waited; });
  EXPECT_EQ(waited, 0) << "it will not get better";
  EXPECT_THAT(logged_, Contains(HasSubstr("without the lock")));
  EXPECT_FALSE(journal.folder()) << "its results are not this one's";
}

// The system that the capture kernel boots may feed its watchdogs, and may have chosen a governor.
TEST_F(SystemCaptures, AreNotEndedByAPretimeout) {
  capture_.system = CaptureSystem::of_capture_kernel;
  capture_.watchdogs = path("watchdogs");
  const auto put = [&](const std::string& name, std::string_view text) {
    fs::create_directories(path("watchdogs/" + name));
    ASSERT_TRUE(write_file_atomically(path("watchdogs/" + name + "/pretimeout"), as_byte_span("10\n"), 0600));
    ASSERT_TRUE(
        write_file_atomically(path("watchdogs/" + name + "/pretimeout_governor"), as_byte_span(text), 0600));
  };
  put("watchdog0", "panic\n");
  put("watchdog1", "");
  fs::remove(path("watchdogs/watchdog1/pretimeout_governor"));
  fs::remove(path("watchdogs/watchdog1/pretimeout"));
  const auto end = capture_in_system(capture_);
  ASSERT_TRUE(end) << why(end);
  EXPECT_EQ(read_line(path("watchdogs/watchdog0/pretimeout_governor")), "noop");
  EXPECT_THAT(record_in(end->folder).problems, IsEmpty());
  EXPECT_FALSE(fs::exists(path("watchdogs/watchdog1/pretimeout")));
}

TEST_F(SystemCaptures, ASavedDumpEndsWithTheFinalAction) {
  Settings settings;
  settings.final.action = FinalAction::poweroff;
  settings.failure.action = FinalAction::halt;
  const auto action = [&](DumpOutcome outcome) {
    return action_after(AttemptResult{.outcome = outcome, .folder = {}}, settings);
  };
  EXPECT_EQ(action(DumpOutcome::whole), FinalAction::poweroff);
  EXPECT_EQ(action(DumpOutcome::incomplete), FinalAction::poweroff) << "another try reads the same memory";
  EXPECT_EQ(action(DumpOutcome::log_only), FinalAction::poweroff) << "what was configured";
  EXPECT_EQ(action(DumpOutcome::failed), FinalAction::halt);
  EXPECT_EQ(action_after(fail(ErrorCode::io, "could not begin"), settings), FinalAction::halt);
}

}  // namespace
}  // namespace lifeboat::capture
