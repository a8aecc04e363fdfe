// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/init/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "capture/crash_list.h"
#include "capture/manifest.h"

namespace lifeboat::init {
namespace {

using testing::ElementsAre;

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
  TempDir folder_ = TempDir::create("journal-test").value();
  std::string crash_ = folder_.path() / "crash", run_ = folder_.path() / "run";
  Journal journal_{run_};
};

TEST_F(JournalOnDisk, TellsHowFarItCameWhateverBecameOfTheChild) {
  CrashRecord record{.boot_id = "id", .release = "6.1"};
  ASSERT_TRUE(journal_.begin(crash_, record));
  record.seconds["log"] = 1.5;
  journal_.note(record);
  write(crash_ + "/" + kLogFile, "log");
  write(crash_ + "/" + kIncompleteDumpFile, "half");
  write(crash_ + "/" + kReportJsonFile,
        R"({"kind": "sysrq", "signature": "ab", "crash": {"panic": "P", "cause": "C"}})");
  write(run_ + "/log", "what was said");
  ASSERT_TRUE(close_journal(journal_, "it was given up", run_ + "/log"));
  const CrashRecord end = saved();
  EXPECT_EQ(end.outcome, CrashOutcome::incomplete);
  EXPECT_EQ(end.boot_id, "id");
  EXPECT_EQ(end.seconds.at("log"), 1.5);
  EXPECT_THAT(end.problems, ElementsAre("it was given up"));
  EXPECT_EQ(end.kind, "sysrq");
  EXPECT_EQ(end.panic, "C; P");
  EXPECT_EQ(read_text(crash_ + "/" + kCaptureLogFile).value(), "what was said");
}

TEST_F(JournalOnDisk, AReportThatIsNoneChangesNothing) {
  ASSERT_TRUE(journal_.begin(crash_, {}));
  write(crash_ + "/" + kDumpFile, "dump");
  for (const char* text : {"{", "[]", R"({"kind": 1, "crash": 2})", R"({"crash": {"panic": {}}})"}) {
    write(crash_ + "/" + kReportJsonFile, text);
    ASSERT_TRUE(close_journal(journal_, "", ""));
    EXPECT_EQ(saved().kind, "");
    EXPECT_EQ(saved().outcome, CrashOutcome::whole);
  }
}

TEST_F(JournalOnDisk, NothingBegunIsNothingToClose) {
  EXPECT_TRUE(close_journal(journal_, "problem", ""));
  EXPECT_FALSE(std::filesystem::exists(crash_ + "/" + kCrashRecordFile));
  ASSERT_TRUE(journal_.begin(crash_, {}));
  journal_.forget();
  EXPECT_FALSE(journal_.folder());
}

}  // namespace
}  // namespace lifeboat::init
