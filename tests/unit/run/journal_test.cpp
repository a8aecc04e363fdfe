// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "capture/plan/capture_plan.h"
#include "capture/run/supervise.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/sys.h"
#include "src/store/crash_list.h"
#include "tests/support/pipes.h"
#include "tests/support/whole_dump.h"

namespace lifeboat::capture {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class JournalOnDisk : public testing::Test {
 protected:
  JournalOnDisk() {
    std::filesystem::create_directories(crash_);
    std::filesystem::create_directories(run_);
  }
  void write(const std::string& path, std::string_view text) const {
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), 0600));
  }
  [[nodiscard]] CrashRecord saved() const {
    const UniqueFd folder = open_file(crash_, O_RDONLY | O_DIRECTORY).value();
    const auto record = read_crash_record(folder.get());
    EXPECT_TRUE(record);
    return record.value_or(CrashRecord{});
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(crash_))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
  TempDir folder_ = TempDir::create("journal-test").value();
  std::string crash_ = folder_.path() / "crash", run_ = folder_.path() / "run";
  Journal journal_{run_};
};

TEST_F(JournalOnDisk, ShowsHowFarItCameWhateverBecameOfTheChild) {
  CrashRecord record{.boot_id = "id", .release = "6.1"};
  ASSERT_TRUE(journal_.begin(crash_, record));
  record.seconds["log"] = 1.5;
  journal_.note(record);
  write(crash_ + "/" + kLogFile, "log");
  write(crash_ + "/" + kIncompleteDumpFile, "half");
  write(crash_ + "/" + kReportJsonFile,
        R"({"kind": "sysrq", "signature": "ab", "crash": {"panic": "P", "cause": "C"}})");
  write(run_ + "/log", "the log so far");
  ASSERT_TRUE(close_journal(journal_, "it was given up", run_ + "/log"));
  const CrashRecord end = saved();
  EXPECT_EQ(end.outcome, CrashOutcome::incomplete);
  EXPECT_EQ(end.boot_id, "id");
  EXPECT_EQ(end.seconds.at("log"), 1.5);
  EXPECT_THAT(end.problems, ElementsAre("it was given up"));
  EXPECT_EQ(end.kind, "sysrq");
  EXPECT_EQ(end.panic, "C; P");
  EXPECT_EQ(read_text(crash_ + "/" + kCaptureLogFile).value(), "the log so far");
}

TEST_F(JournalOnDisk, TakesTheDumpsOwnMarkBeforeTheRecords) {
  struct Case {
    const char* file;
    DumpOutcome noted, expected;
  };
  for (const auto& [file, noted, expected] :
       {Case{kIncompleteDumpFile, DumpOutcome::incomplete, DumpOutcome::incomplete},
        Case{kIncompleteDumpFile, DumpOutcome::whole, DumpOutcome::failed},
        Case{kIncompleteDumpFile, DumpOutcome::failed, DumpOutcome::failed},
        Case{kLogFile, DumpOutcome::log_only, DumpOutcome::log_only},
        Case{kLogFile, DumpOutcome::whole, DumpOutcome::failed},
        Case{kIncompleteDumpFile, DumpOutcome::log_only, DumpOutcome::failed},
        Case{kDumpFile, DumpOutcome::failed, DumpOutcome::whole}}) {
    std::filesystem::remove(crash_ + "/" + kIncompleteDumpFile);
    write(crash_ + "/" + file, test::whole_dump());
    ASSERT_TRUE(journal_.begin(crash_, {.dump = noted, .lost_pages = 3}));
    ASSERT_TRUE(close_journal(journal_, "", ""));
    EXPECT_EQ(saved().dump, expected) << file << ' ' << outcome_name(noted);
  }
}

// What the parent finds when the child that saved was killed in the middle of it.
TEST_F(JournalOnDisk, IsClosedRightlyForAChildThatWasKilled) {
  const auto outcome = supervise("capture", std::chrono::seconds(60), [&](Heartbeat&) -> Result<> {
    const UniqueFd folder = TRY(open_file(crash_, O_RDONLY | O_DIRECTORY));
    CrashRecord record{.crash_time = 7, .boot_id = "id"};
    TRY_VOID(journal_.begin(crash_, record));
    reserve_record(folder.get(), record);
    record.seconds["log"] = 1.5;
    journal_.note(record);
    write(crash_ + "/" + kIncompleteDumpFile, "half");
    ::raise(SIGKILL);
    return {};
  });
  ASSERT_EQ(outcome, Outcome::failed);
  write(run_ + "/log", "the log so far");
  ASSERT_TRUE(close_journal(journal_, "it made no progress", run_ + "/log"));
  const CrashRecord end = saved();
  EXPECT_EQ(end.outcome, CrashOutcome::incomplete);
  EXPECT_EQ(end.crash_time, 7u);
  EXPECT_EQ(end.seconds.at("log"), 1.5);
  EXPECT_THAT(end.problems, ElementsAre("it made no progress"));
  EXPECT_EQ(read_text(crash_ + "/" + kCaptureLogFile).value(), "the log so far");
  EXPECT_THAT(files(), ElementsAre(kCaptureLogFile, kCrashRecordFile, kIncompleteDumpFile));
}

// A machine that loses power before the journal is closed.
TEST_F(JournalOnDisk, ReportsThatItWasNeverClosed) {
  const UniqueFd folder = open_file(crash_, O_RDONLY | O_DIRECTORY).value();
  reserve_record(folder.get(), {.crash_time = 7, .boot_id = "id"});
  const CrashRecord record = saved();
  EXPECT_EQ(record.boot_id, "id");
  EXPECT_THAT(record.problems, ElementsAre(HasSubstr("cut off")));
  EXPECT_THAT(read_text(crash_ + "/" + kCaptureLogFile).value(), HasSubstr("cut off"));
}

TEST_F(JournalOnDisk, RecordAndLogDoNotWaitForEachOther) {
  ASSERT_TRUE(journal_.begin(crash_, {}));
  write(run_ + "/log", "the log so far");
  std::filesystem::create_directories(crash_ + "/" + kCrashRecordFile + ".new/in the way");
  EXPECT_FALSE(close_journal(journal_, "", run_ + "/log"));
  EXPECT_EQ(read_text(crash_ + "/" + kCaptureLogFile).value(), "the log so far");
  std::filesystem::remove_all(crash_ + "/" + kCrashRecordFile + ".new");
  EXPECT_FALSE(close_journal(journal_, "", run_ + "/none"));
  EXPECT_EQ(saved().outcome, CrashOutcome::nothing);
}

// A disk that takes nothing that has no place on it already.
TEST_F(JournalOnDisk, IsClosedOnAFullDisk) {
  ASSERT_TRUE(journal_.begin(crash_, {.boot_id = "id"}));
  const UniqueFd folder = open_file(crash_, O_RDONLY | O_DIRECTORY).value();
  reserve_record(folder.get(), {});
  std::string messages;
  for (int line = 0; line < 20'000; ++line) messages += fmt::format("line {}\n", line);
  write(run_ + "/log", messages);
  int writes = 0;
  sys::set_fault_hook([&writes](sys::Call call) {
    // The record, then the log, which is too long.
    return call == sys::Call::pwrite && ++writes == 2 ? ENOSPC : 0;
  });
  const auto closed = close_journal(journal_, "", run_ + "/log");
  sys::set_fault_hook({});
  EXPECT_TRUE(closed);
  EXPECT_EQ(saved().boot_id, "id");
  const std::string text = read_text(crash_ + "/" + kCaptureLogFile).value();
  EXPECT_LE(text.size(), 65536u);
  EXPECT_TRUE(text.starts_with("line ") && text.ends_with("line 19999\n"));
}

TEST_F(JournalOnDisk, AReportThatIsNoneChangesNothing) {
  ASSERT_TRUE(journal_.begin(crash_, {}));
  write(crash_ + "/" + kDumpFile, test::whole_dump());
  for (const char* text : {"{", "[]", R"({"kind": 1, "crash": 2})", R"({"crash": {"panic": {}}})"}) {
    write(crash_ + "/" + kReportJsonFile, text);
    ASSERT_TRUE(close_journal(journal_, "", ""));
    EXPECT_EQ(saved().kind, "");
    EXPECT_EQ(saved().outcome, CrashOutcome::whole);
  }
}

TEST_F(JournalOnDisk, IsOneCapturesAtATime) {
  ASSERT_TRUE(journal_.claim());
  Journal other(run_);
  const auto claimed = other.claim();
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().code, ErrorCode::busy);
  EXPECT_THAT(claimed.error().message, HasSubstr(fmt::format("process {}", ::getpid())));
}

TEST_F(JournalOnDisk, OfACaptureThatWasKilledIsForgotten) {
  test::FamilyPipe family;
  const pid_t capture = ::fork();
  if (capture == 0) {
    const bool begun = journal_.claim() && journal_.begin(crash_, {.boot_id = "id"});
    supervise("save", std::chrono::seconds(600), [&](Heartbeat&) -> Result<> {
      if (begun) family.send();
      for (;;) ::pause();
    });
    ::_exit(0);
  }
  family.leave_to_family();
  ASSERT_TRUE(family.hears());
  const auto refused = journal_.claim();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(fmt::format("process {}", capture)));
  EXPECT_EQ(journal_.folder(), crash_) << "what another one has noted is not touched";
  ASSERT_EQ(::kill(capture, SIGKILL), 0);
  ASSERT_EQ(::waitpid(capture, nullptr, 0), capture);
  ASSERT_TRUE(family.all_gone());
  std::vector<std::string> messages;
  log::set_sink([&](log::Level, std::string_view text) { messages.emplace_back(text); });
  EXPECT_TRUE(journal_.claim());
  log::set_sink({});
  EXPECT_THAT(messages, ElementsAre(HasSubstr(crash_)));
  EXPECT_FALSE(journal_.folder());
}

TEST_F(JournalOnDisk, NothingBegunIsNothingToClose) {
  EXPECT_TRUE(close_journal(journal_, "problem", ""));
  EXPECT_FALSE(std::filesystem::exists(crash_ + "/" + kCrashRecordFile));
  ASSERT_TRUE(journal_.begin(crash_, {}));
  journal_.forget();
  EXPECT_FALSE(journal_.folder());
}

}  // namespace
}  // namespace lifeboat::capture
