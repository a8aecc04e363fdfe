// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/store/prune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/plan/capture_plan.h"
#include "src/base/size.h"
#include "src/store/store.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/whole_dump.h"

namespace lifeboat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The newest first, each of 1 GiB.
std::vector<StoredCrash> crashes(const std::vector<CrashOutcome>& outcomes) {
  std::vector<StoredCrash> list;
  for (const auto outcome : outcomes)
    list.push_back({.name = fmt::format("c{}", list.size()), .outcome = outcome, .bytes = 1_GiB});
  return list;
}

std::vector<std::string> names(const std::vector<Removal>& removals) {
  std::vector<std::string> list;
  for (const auto& removal : removals) list.push_back(removal.name);
  return list;
}

constexpr auto kWhole = CrashOutcome::whole;
constexpr auto kPart = CrashOutcome::incomplete;
constexpr FileSystemSpace kPlenty{.total = 100_GiB, .free = 50_GiB};

TEST(Prune, TakesTheOldestWhenThereAreTooMany) {
  EXPECT_THAT(names(plan_prune(crashes({kWhole, kWhole, kWhole}), {.keep = 1}, kPlenty)),
              ElementsAre("c2", "c1"));
  EXPECT_THAT(names(plan_prune(crashes({kWhole, kWhole, kWhole}), {.keep = 3}, kPlenty)), ElementsAre());
  EXPECT_THAT(names(plan_prune(crashes({kWhole, kWhole, kWhole}), {}, kPlenty)), ElementsAre());
  EXPECT_THAT(names(plan_prune({}, {.keep = 1}, kPlenty)), ElementsAre());
}

TEST(Prune, KeepsTheNewestWholeDumpWhateverComesAfterIt) {
  const auto list = crashes({kPart, kPart, kWhole, kWhole});
  EXPECT_THAT(names(plan_prune(list, {.keep = 1}, kPlenty)), ElementsAre("c3", "c1"));
}

// The disk is full of other things, so the newest crash is no whole dump: it is what has just happened.
TEST(Prune, KeepsTheNewestCrashWhateverTheLimits) {
  const FileSystemSpace full{.total = 100_GiB, .free = 0};
  EXPECT_THAT(names(plan_prune(crashes({kPart, kWhole}), {.keep = 1}, full)), ElementsAre());
  EXPECT_THAT(names(plan_prune(crashes({kPart, kWhole, kWhole}), {.min_free = Amount{.percent = 50}}, full)),
              ElementsAre("c2"));
}

TEST(Prune, KeepsTheNewestCrashWhereNoneIsWhole) {
  EXPECT_THAT(names(plan_prune(crashes({kPart, kPart}), {.max_size = Amount{.bytes = 1}}, kPlenty)),
              ElementsAre("c1"));
}

// The clock was wrong: what has just been saved is the oldest by its time.
TEST(Prune, KeepsWhatIsSparedAndTakesOthersForIt) {
  EXPECT_THAT(names(plan_prune(crashes({kWhole, kWhole, kWhole}), {.keep = 2}, kPlenty, {"c2"})),
              ElementsAre("c1"));
  EXPECT_THAT(names(plan_prune(crashes({kWhole, kWhole}), {.keep = 1}, kPlenty, {"c1"})), ElementsAre());
}

TEST(Prune, CountsTheSizeOfAll) {
  const auto list = crashes({kWhole, kWhole, kWhole, kWhole});
  EXPECT_THAT(names(plan_prune(list, {.max_size = Amount{.bytes = 2_GiB}}, kPlenty)),
              ElementsAre("c3", "c2"));
  EXPECT_THAT(names(plan_prune(list, {.max_size = Amount{.percent = 3}}, kPlenty)), ElementsAre("c3"));
}

TEST(Prune, MakesTheFileSystemAsFreeAsItShouldBe) {
  const FileSystemSpace tight{.total = 100_GiB, .free = 8_GiB};
  const auto removals =
      plan_prune(crashes({kWhole, kWhole, kWhole, kWhole}), {.min_free = Amount{.percent = 10}}, tight);
  EXPECT_THAT(names(removals), ElementsAre("c3", "c2"));
  EXPECT_EQ(removals[0].reason, "less than 10% free");
}

TEST(Prune, KeepsAsMuchFreeAsTheNextDumpMayTake) {
  const FileSystemSpace tight{.total = 100_GiB, .free = 100_MiB};
  const auto list = crashes({kPart, kWhole, kWhole, kWhole});
  // As the newest whole one.
  const auto removals = plan_prune(list, {.min_free = Amount{.next_dump = true}}, tight);
  EXPECT_THAT(names(removals), ElementsAre("c3"));
  EXPECT_EQ(removals[0].reason, "less free than the next dump may take, 1.0 GiB");
  // As it was measured, if that is more.
  EXPECT_THAT(names(plan_prune(list, {.min_free = Amount{.bytes = 2_GiB, .next_dump = true}}, tight)),
              ElementsAre("c3", "c2"));
  const FileSystemSpace enough{.total = 100_GiB, .free = 1_GiB};
  EXPECT_THAT(names(plan_prune(list, {.min_free = Amount{.next_dump = true}}, enough)), ElementsAre());
  // Nothing is known of it.
  EXPECT_THAT(names(plan_prune(crashes({kPart, kPart}), {.min_free = Amount{.next_dump = true}}, tight)),
              ElementsAre());
}

TEST(Prune, RemovesTheOldestForAnotherThatFindsNoSpace) {
  EXPECT_THAT(names(plan_removal_for_space(crashes({kWhole, kWhole, kWhole, kWhole}))), ElementsAre("c3"));
  EXPECT_THAT(names(plan_removal_for_space(crashes({kPart, kWhole}))), ElementsAre("c0"));
  EXPECT_THAT(names(plan_removal_for_space(crashes({kPart, kPart}))), ElementsAre("c1"));
  for (const auto& outcomes : {std::vector{kWhole}, std::vector{kPart}, std::vector<CrashOutcome>{}})
    EXPECT_THAT(names(plan_removal_for_space(crashes(outcomes))), ElementsAre());
}

// The newest first; each without a dump, saved as `how` and with the first level or a later one.
std::vector<StoredCrash> log_only(DumpOutcome how, const std::vector<bool>& fell_back) {
  std::vector<StoredCrash> list;
  for (const bool later : fell_back) {
    list.push_back(
        {.name = fmt::format("c{}", list.size()), .outcome = CrashOutcome::log_only, .bytes = 1_MiB});
    list.back().record = CrashRecord{.dump = how, .fell_back = later};
  }
  return list;
}

TEST(Prune, TakesACrashWithoutADumpForCompleteWhereNoneWasToBeSaved) {
  auto list = log_only(DumpOutcome::log_only, {false, false, true});
  EXPECT_TRUE(list[0].complete());
  EXPECT_FALSE(list[2].complete()) << "a dump did not fit";
  EXPECT_FALSE(log_only(DumpOutcome::failed, {false})[0].complete());
  list[0].record.reset();
  EXPECT_FALSE(list[0].complete()) << "not known";
}

// It is not the first to go because it has no dump, nor does it push out the last whole dump.
TEST(Prune, KeepsTheNewestCompleteCrashAndTheNewestWholeDump) {
  auto list = log_only(DumpOutcome::log_only, {true, false, false});
  for (const char* name : {"w0", "w1"})
    list.push_back({.name = name, .outcome = CrashOutcome::whole, .bytes = 1_GiB});
  EXPECT_THAT(never_removed(list), ElementsAre(1U, 3U));
  EXPECT_THAT(names(plan_removal_for_space(list)), ElementsAre("w1"));
  EXPECT_THAT(names(plan_prune(list, {.keep = 1}, kPlenty)), ElementsAre("w1", "c2"));
  list.resize(1);
  EXPECT_THAT(never_removed(list), ElementsAre(0U)) << "nothing is complete: the newest";
}

TEST(Prune, GoesOnUntilOneGivesSomethingBack) {
  auto list = crashes({kWhole, kWhole, kWhole, kPart});
  list[3].bytes = 0;
  EXPECT_THAT(names(plan_removal_for_space(list)), ElementsAre("c3", "c2"));
}

class StoreOnDisk : public testing::Test {
 protected:
  StoreOnDisk() { fd_ = open_file(folder_.path(), O_RDONLY | O_DIRECTORY).value(); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void add(const std::string& crash, const std::vector<std::string>& files) {
    std::filesystem::create_directory(path(crash));
    for (const auto& file : files) {
      const auto file_path = std::filesystem::path(path(crash)) / file;
      std::filesystem::create_directories(file_path.parent_path());
      ASSERT_TRUE(write_file_atomically(file_path, as_byte_span(test::whole_dump()), 0600));
    }
  }
  TempDir folder_ = TempDir::create("prune-test").value();
  UniqueFd fd_;
};

// Whatever its name is: the file itself must be marked so.
TEST_F(StoreOnDisk, ADumpWithoutAReadableHeaderIsNotWhole) {
  add("20261123T084228Z", {kDumpFile});
  const std::string dump = path(std::string("20261123T084228Z/") + kDumpFile);
  for (const std::string& contents : {std::string(), std::string("text"), std::string(65536, '\0')}) {
    ASSERT_TRUE(write_file_atomically(dump, as_byte_span(contents), 0600));
    const auto list = list_crashes(fd_.get()).value();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].outcome, CrashOutcome::incomplete) << contents.size();
    EXPECT_EQ(list[0].dump_file, kDumpFile);
  }
}

TEST_F(StoreOnDisk, IsListedByWhatIsThere) {
  add("20261123T084228Z", {kDumpFile, kLogFile, kReportJsonFile});
  add("20261124T084228Z-0a1b2c3d", {kIncompleteDumpFile, kLogFile});
  add("20261122T084228Z-2", {kLogFile, kCrashRecordFile});
  add("20261121T084228Z", {});
  add("somebody-elses", {kDumpFile});
  add("20261125T084228Z.old", {kDumpFile});
  std::filesystem::create_symlink("/etc", path("20261126T084228Z"));
  const auto list = list_crashes(fd_.get());
  ASSERT_TRUE(list) << list.error().to_string();
  ASSERT_EQ(list->size(), 4U);
  EXPECT_EQ((*list)[0].outcome, CrashOutcome::incomplete);
  EXPECT_EQ((*list)[1].outcome, CrashOutcome::whole);
  EXPECT_TRUE((*list)[1].has_report);
  EXPECT_GE((*list)[1].bytes, 3U * 512);
  EXPECT_EQ((*list)[1].crash_time, 1795423348U);
  EXPECT_EQ((*list)[2].outcome, CrashOutcome::log_only);
  EXPECT_FALSE((*list)[2].record) << "'text' is no plan";
  EXPECT_EQ((*list)[3].outcome, CrashOutcome::nothing);
}

TEST_F(StoreOnDisk, DumpThatIsMarkedIncompleteIsSoByAnyName) {
  add("20261123T084228Z", {kDumpFile});
  const auto marked =
      test::KdumpBuilder(8)
          .patch_header([](kdump::Header& header) { header.status |= kdump::kStatusIncomplete; })
          .build();
  ASSERT_TRUE(write_file_atomically(path(std::string("20261123T084228Z/") + kDumpFile), marked, 0600));
  EXPECT_EQ(list_crashes(fd_.get())->at(0).outcome, CrashOutcome::incomplete);
  EXPECT_EQ(list_crashes(fd_.get())->at(0).dump(), DumpOutcome::failed);
}

TEST_F(StoreOnDisk, RemovesACrashAndNothingElse) {
  add("20261123T084228Z", {kDumpFile, "pstore/dmesg-0"});
  add("20261124T084228Z", {kDumpFile});
  std::filesystem::create_symlink(path("20261124T084228Z"), path("20261123T084228Z/link"));
  ASSERT_TRUE(remove_crash(fd_.get(), "20261123T084228Z"));
  EXPECT_FALSE(std::filesystem::exists(path("20261123T084228Z")));
  EXPECT_TRUE(std::filesystem::exists(path("20261124T084228Z/vmcore"))) << "a link was followed";
}

TEST_F(StoreOnDisk, RefusesToRemoveWhatIsNoCrash) {
  add("somebody-elses", {"file"});
  std::filesystem::create_symlink(path("somebody-elses"), path("20261123T084228Z"));
  for (const char* name : {"somebody-elses", "..", "20261123T084228Z/../somebody-elses", "20261123T084228Z"})
    EXPECT_FALSE(remove_crash(fd_.get(), name)) << name;
  EXPECT_TRUE(std::filesystem::exists(path("somebody-elses/file")));
}

TEST(CrashFolderName, HoldsTheTime) {
  EXPECT_EQ(crash_folder_time("20261123T084228Z"), 1795423348U);
  EXPECT_EQ(crash_folder_time("20261123T084228Z-2"), 1795423348U);
  EXPECT_EQ(crash_folder_time("20261123T084228Z-0a1b2c3d-2"), 1795423348U);
  for (const char* name : {"", ".", "20261123T084228", "20261123T084228Z-", "20261123T084228Zx",
                           "20261399T084228Z", "20261123T084228Z-../x", "lost+found"})
    EXPECT_FALSE(crash_folder_time(name)) << name;
}

TEST(CrashRecord, ReadsBackAsItWas) {
  CrashRecord record{.crash_time = 1795423348,
                     .boot_id = "0a1b2c3d-0000-4000-8000-000000000000",
                     .release = "6.12.117+deb12-amd64",
                     .outcome = CrashOutcome::incomplete,
                     .dump = DumpOutcome::incomplete,
                     .level = 31,
                     .compression = "zstd:3",
                     .dump_bytes = 12345,
                     .lost_pages = 3,
                     .memory_reserved_kib = 262144,
                     .memory_total_kib = 200000,
                     .memory_lowest_kib = 150000,
                     .cpus = 4,
                     .cpu_seconds = 12.5,
                     .seconds = {{"dump", 7.5}},
                     .problems = {"target 1: no such device"},
                     .kind = "sysrq",
                     .signature = "6ce1e056460fa763",
                     .panic = "Kernel panic - not syncing: \xff",
                     .collected = 1795423400,
                     .collected_boot_id = "ffffffff-0000-4000-8000-000000000000"};
  const auto again = parse_crash_record(to_json_text(record));
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(again->crash_time, record.crash_time);
  EXPECT_EQ(again->boot_id, record.boot_id);
  EXPECT_EQ(again->outcome, record.outcome);
  EXPECT_EQ(again->dump, record.dump);
  EXPECT_EQ(again->level, 31);
  EXPECT_EQ(again->lost_pages, 3U);
  EXPECT_EQ(again->memory_reserved_kib, 262144U);
  EXPECT_EQ(again->memory_total_kib, 200000U);
  EXPECT_EQ(again->memory_lowest_kib, 150000U);
  EXPECT_EQ(again->cpus, 4U);
  EXPECT_EQ(again->cpu_seconds, 12.5);
  EXPECT_EQ(again->seconds, record.seconds);
  EXPECT_EQ(again->problems, record.problems);
  EXPECT_EQ(again->collected, record.collected);
  EXPECT_EQ(again->collected_boot_id, record.collected_boot_id);
  EXPECT_THAT(again->panic, HasSubstr("not syncing"));
}

TEST(CrashRecord, KnowsHowLongTheDumpTook) {
  CrashRecord record{.dump_bytes = 1,
                     .seconds = {{"target", 2.0}, {"log", 2.5}, {"report", 3.0}, {"dump", 10.5}}};
  EXPECT_DOUBLE_EQ(dump_seconds(record), 7.5);
  record.seconds.erase("report");
  EXPECT_DOUBLE_EQ(dump_seconds(record), 8);
  // A step that is said to come later has no part in it.
  record.seconds["report"] = 11;
  EXPECT_DOUBLE_EQ(dump_seconds(record), 8);
  record.seconds["dump"] = -1;
  EXPECT_EQ(dump_seconds(record), 0);
  record.seconds.erase("dump");
  EXPECT_EQ(dump_seconds(record), 0);
  EXPECT_EQ(dump_seconds({.dump_bytes = 0, .seconds = {{"dump", 5.0}}}), 0) << "there is no dump";
}

// Of a program that did not know the field.
TEST(CrashRecord, WithoutTheDumpsOutcomeGoesByItsOwn) {
  EXPECT_EQ(parse_crash_record(R"({"outcome": "whole"})")->dump, DumpOutcome::whole);
  EXPECT_EQ(parse_crash_record(R"({"outcome": "incomplete"})")->dump, DumpOutcome::failed);
}

TEST(CrashRecord, DescribesTheDump) {
  CrashRecord record{.dump = DumpOutcome::incomplete, .lost_pages = 3};
  EXPECT_EQ(describe_dump(CrashOutcome::incomplete, record), "incomplete (3 pages could not be read)");
  EXPECT_EQ(describe_dump(CrashOutcome::log_only, record), "log only");
  EXPECT_EQ(describe_dump(CrashOutcome::whole, record), "whole");
  record.dump = DumpOutcome::failed;
  EXPECT_THAT(describe_dump(CrashOutcome::incomplete, record), testing::StartsWith("failed (3 pages"));
  record.lost_pages = 0;
  EXPECT_EQ(describe_dump(CrashOutcome::incomplete, record), "incomplete (writing it did not finish)");
}

TEST(CrashRecord, TellsApartWhyThereIsNoDump) {
  constexpr auto kLogOnly = CrashOutcome::log_only;
  CrashRecord record{.outcome = kLogOnly, .dump = DumpOutcome::log_only};
  EXPECT_TRUE(log_only_as_configured(kLogOnly, record));
  EXPECT_EQ(describe_dump(kLogOnly, record), "log only, as configured");
  auto again = parse_crash_record(to_json_text(record));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->dump, DumpOutcome::log_only);
  EXPECT_FALSE(again->fell_back);

  record.fell_back = true;
  again = parse_crash_record(to_json_text(record));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->fell_back);
  EXPECT_FALSE(log_only_as_configured(kLogOnly, *again));
  EXPECT_EQ(dump_outcome(kLogOnly, *again), DumpOutcome::log_only);
  EXPECT_EQ(describe_dump(kLogOnly, *again), "log only (the target was too small for the dump)");

  record.dump = DumpOutcome::failed;
  EXPECT_EQ(dump_outcome(kLogOnly, record), DumpOutcome::failed);
  EXPECT_EQ(describe_dump(kLogOnly, record), "log only");
}

// The files come before the record.
TEST(CrashRecord, OfNoDumpIsNotBelievedWhereTheFilesSayOtherwise) {
  const CrashRecord record{.dump = DumpOutcome::log_only};
  EXPECT_EQ(dump_outcome(CrashOutcome::whole, record), DumpOutcome::whole);
  EXPECT_EQ(dump_outcome(CrashOutcome::incomplete, record), DumpOutcome::failed);
  EXPECT_EQ(dump_outcome(CrashOutcome::nothing, record), DumpOutcome::failed) << "the log is gone, too";
  EXPECT_FALSE(log_only_as_configured(CrashOutcome::nothing, record));
  EXPECT_FALSE(parse_crash_record(R"({"outcome": "log only", "fell_back": "yes"})")->fell_back);
  EXPECT_EQ(parse_crash_record(R"({"outcome": "log only"})")->dump, DumpOutcome::failed);
}

TEST(CrashRecord, PassesOverWhatItCannotUse) {
  EXPECT_FALSE(parse_crash_record(""));
  EXPECT_FALSE(parse_crash_record("[1]"));
  EXPECT_FALSE(parse_crash_record("{}"));
  const auto record = parse_crash_record(
      R"({"outcome": "fine", "level": "x", "seconds": {"a": "b"}, "problems": [1], "collected": -1, "boot_id": 7})");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->outcome, CrashOutcome::nothing);
  EXPECT_EQ(record->dump, DumpOutcome::failed);
  EXPECT_TRUE(record->seconds.empty() && record->problems.empty() && record->boot_id.empty());
  EXPECT_FALSE(record->collected);
}

}  // namespace
}  // namespace lifeboat
