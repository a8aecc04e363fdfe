// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/attempt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/store/crash_list.h"

namespace lifeboat::capture {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class CaptureAttempt : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
    std::filesystem::create_directories(run_);
    plan_.capture.stall_deadline = 60s;
    plan_.capture.hook_before = {hook("before")};
    plan_.capture.hook_after = {hook("after")};
    ASSERT_TRUE(write_file_atomically(run_ + "/log", as_byte_span("the log so far"), 0600));
  }
  void TearDown() override { log::set_sink({}); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  // What happens, in order: targets and hooks are in other processes.
  void note(const std::string& what) const {
    const auto file = open_file(path("story"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ASSERT_TRUE(file && write_all(file->get(), as_byte_span(what + "\n"), "story"));
  }
  [[nodiscard]] std::string story() const { return read_text(path("story")).value_or(""); }
  [[nodiscard]] std::string hook(const std::string& name) const {
    EXPECT_TRUE(write_file_atomically(
        path(name),
        as_byte_span(fmt::format("#!/bin/sh\necho \"{} $LIFEBOAT_OUTCOME\" ${{LIFEBOAT_FOLDER##*/}} >>{}\n",
                                 name, path("story"))),
        0755));
    return path(name);
  }
  // One that makes a crash's folder, does `work`, and notes how the dump ended.
  AttemptTarget target(const std::string& name, const std::function<Result<>(Heartbeat&)>& work,
                       DumpOutcome dump = DumpOutcome::whole, bool fell_back = false) {
    std::filesystem::create_directories(path(name));
    return {.save = [this, name, work, dump, fell_back](Journal& journal, Heartbeat& heartbeat) -> Result<> {
              note("save in " + name);
              CrashRecord record{.boot_id = name};
              TRY_VOID(journal.begin(path(name), record));
              TRY_VOID(work(heartbeat));
              record.dump = dump;
              record.fell_back = fell_back;
              record.lost_pages = dump == DumpOutcome::incomplete ? 3 : 0;
              journal.note(record);
              return {};
            },
            .leave = [this, name]() -> Result<> {
              const bool closed = std::filesystem::exists(path(name + "/" + kCrashRecordFile));
              note((closed ? "leave " : "too early: leave ") + name);
              return {};
            }};
  }
  // No dump fits there: only the log is saved.
  AttemptTarget too_small(const std::string& name) {
    return target(name, [](Heartbeat&) -> Result<> { return {}; }, DumpOutcome::log_only, true);
  }
  AttemptResult attempt_over(const std::vector<AttemptTarget>& targets) {
    return attempt_capture(plan_, targets, journal_,
                           {.log_file = run_ + "/log", .last_resort = [this](Heartbeat&) -> Result<> {
                              note("console");
                              return {};
                            }});
  }
  [[nodiscard]] CrashRecord record_in(const std::string& name) const {
    const UniqueFd folder = open_file(path(name), O_RDONLY | O_DIRECTORY).value();
    return read_crash_record(folder.get()).value_or(CrashRecord{});
  }

  TempDir folder_ = TempDir::create("attempt-test").value();
  std::string run_ = folder_.path() / "run";
  CapturePlan plan_;
  Journal journal_{run_};
};

Result<> well(Heartbeat&) {
  return {};
}
Result<> badly(Heartbeat&) {
  return fail(ErrorCode::io, "meant to fail");
}
Result<> for_ever(Heartbeat&) {
  ::pause();
  return {};
}

TEST_F(CaptureAttempt, EndsAtTheFirstTargetThatTakesTheDump) {
  const auto end = attempt_over({target("a", well), target("b", well)});
  EXPECT_EQ(end.outcome, DumpOutcome::whole);
  EXPECT_EQ(end.folder, path("a"));
  EXPECT_EQ(story(), "before \nsave in a\nafter whole a\nleave a\n");
  EXPECT_EQ(read_text(path("a/capture.log")).value(), "the log so far");
  EXPECT_FALSE(journal_.folder());
}

TEST_F(CaptureAttempt, ContinuesAfterATargetThatFailsOrHangs) {
  plan_.capture.stall_deadline = 3s;  // also for what the other targets do
  const auto end = attempt_over({target("a", badly), target("b", for_ever), target("c", well)});
  EXPECT_EQ(end.outcome, DumpOutcome::whole);
  EXPECT_EQ(end.folder, path("c"));
  EXPECT_EQ(story(), "before \nsave in a\nleave a\nsave in b\nleave b\nsave in c\nafter whole c\nleave c\n");
  EXPECT_THAT(record_in("b").problems, ElementsAre(HasSubstr("no progress")));
  EXPECT_EQ(record_in("b").boot_id, "b");
}

TEST_F(CaptureAttempt, UsesTheLastResortWhenNoTargetIsLeft) {
  const auto end = attempt_over({target("a", badly), target("b", badly)});
  EXPECT_EQ(end.outcome, DumpOutcome::failed);
  EXPECT_EQ(story(), "before \nsave in a\nleave a\nsave in b\nafter failed b\nleave b\nconsole\n");
}

// The next target would read the same memory.
TEST_F(CaptureAttempt, EndsAtATargetWithAnIncompleteDump) {
  const auto end = attempt_over({target("a", well, DumpOutcome::incomplete), target("b", well)});
  EXPECT_EQ(end.outcome, DumpOutcome::incomplete);
  EXPECT_EQ(end.lost_pages, 3U);
  EXPECT_EQ(end.folder, path("a"));
  EXPECT_EQ(story(), "before \nsave in a\nafter incomplete a\nleave a\n");
}

// The exit of the child is not the outcome of the dump.
TEST_F(CaptureAttempt, ContinuesAfterATargetWithoutADump) {
  const auto end = attempt_over({target("a", well, DumpOutcome::failed), target("b", well)});
  EXPECT_EQ(end.outcome, DumpOutcome::whole);
  EXPECT_EQ(end.folder, path("b"));
}

// What was configured is reached: nothing else would be saved on the next target.
TEST_F(CaptureAttempt, EndsAtATargetWithTheLogAloneWhereNoDumpWasWanted) {
  const auto end = attempt_over({target("a", well, DumpOutcome::log_only), target("b", well)});
  EXPECT_EQ(end.outcome, DumpOutcome::log_only);
  EXPECT_FALSE(end.fell_back);
  EXPECT_EQ(end.folder, path("a"));
  EXPECT_EQ(story(), "before \nsave in a\nafter log only a\nleave a\n");
}

TEST_F(CaptureAttempt, TriesTheNextTargetAfterOneThatWasTooSmall) {
  const auto end = attempt_over({too_small("a"), target("b", well)});
  EXPECT_EQ(end.outcome, DumpOutcome::whole);
  EXPECT_EQ(end.folder, path("b"));
  EXPECT_EQ(story(), "before \nsave in a\nleave a\nsave in b\nafter whole b\nleave b\n");
}

TEST_F(CaptureAttempt, TakesTheLogOfATooSmallTargetWhereNoneTakesADump) {
  const auto end = attempt_over({too_small("a"), too_small("b"), target("c", badly)});
  EXPECT_EQ(end.outcome, DumpOutcome::log_only);
  EXPECT_TRUE(end.fell_back);
  EXPECT_EQ(end.folder, path("a"));
  EXPECT_EQ(story(), "before \nsave in a\nleave a\nsave in b\nleave b\nsave in c\nafter failed c\nleave c\n")
      << "the log is saved: the console need not have it";
}

TEST_F(CaptureAttempt, RecordsWhatElseWentWrong) {
  attempt_capture(plan_, std::vector{target("a", well)}, journal_,
                  {.log_file = "", .problems = [] { return std::vector<std::string>{"a watchdog"}; }});
  EXPECT_THAT(record_in("a").problems, ElementsAre("a watchdog"));
  EXPECT_EQ(record_in("a").boot_id, "a");
}

TEST_F(CaptureAttempt, GivesUpATargetThatMakesProgressAfterItsTime) {
  plan_.capture.deadline = 1s;
  const auto end = attempt_over({target("a", [](Heartbeat& heartbeat) -> Result<> {
    for (;; ::usleep(100'000)) heartbeat.beat();
  })});
  EXPECT_EQ(end.outcome, DumpOutcome::failed);
}

}  // namespace
}  // namespace lifeboat::capture
