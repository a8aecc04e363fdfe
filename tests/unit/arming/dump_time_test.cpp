// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/dump_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/size.h"

namespace lifeboat::arming {
namespace {

using testing::HasSubstr;

constexpr uint64_t kPage = 4_KiB;

DumpTime without_records(const DumpSettings& dump, uint64_t ram) {
  return expected_dump_time(dump, ram, kPage, {});
}

// A whole dump of level 31, by zstd.
StoredRecord crash(double seconds, unsigned cpus) {
  StoredRecord stored{
      .record = {}, .outcome = CrashOutcome::whole, .path = fmt::format("/store/{}", seconds)};
  stored.record.level = 31;
  stored.record.compression = "zstd";
  stored.record.dump_bytes = 1_MiB;
  stored.record.cpus = cpus;
  stored.record.seconds = {{"report", 5.0}, {"dump", 5.0 + seconds}};
  return stored;
}

TEST(DumpTime, GrowsWithTheMachine) {
  const double small = without_records({}, 2_GiB).seconds, large = without_records({}, 1024_GiB).seconds;
  EXPECT_GT(small, 0);
  EXPECT_NEAR(large / small, 512, 1);
  EXPECT_LT(without_records({}, 64_GiB).seconds, 60);
  EXPECT_GT(large, 600);
  // Page structures of small pages alone take their time.
  DumpSettings dump;
  EXPECT_GT(expected_dump_time(dump, 1024_GiB, 4_KiB, {}).seconds,
            expected_dump_time(dump, 1024_GiB, 64_KiB, {}).seconds + 10);
}

TEST(DumpTime, DependsOnTheFirstLevel) {
  DumpSettings dump;
  const double filtered = without_records(dump, 64_GiB).seconds;
  for (const int level : {0, 1, 16, 23, 27, 29, 15}) {
    dump.level = {level};
    EXPECT_GT(without_records(dump, 64_GiB).seconds, filtered * 5) << level;
  }
  dump.level = {30, 0};
  EXPECT_DOUBLE_EQ(without_records(dump, 64_GiB).seconds, filtered) << "zero pages are read to be found";
  dump.level = {kNoDump};
  EXPECT_EQ(without_records(dump, 64_GiB).seconds, 0);
  EXPECT_THAT(without_records(dump, 64_GiB).source, HasSubstr("no dump"));
}

TEST(DumpTime, DependsOnTheCodecAndItsLevel) {
  const auto rate = [](const char* choice) { return bytes_in_a_second(*parse_compression_choice(choice)); };
  EXPECT_GT(rate("none"), rate("lzo"));
  EXPECT_GT(rate("lzo"), rate("zstd"));
  EXPECT_GT(rate("zstd"), rate("zlib"));
  EXPECT_EQ(rate("zstd"), rate("zstd:1"));
  EXPECT_GT(rate("zstd:1"), rate("zstd:3"));
  EXPECT_GT(rate("zstd:3"), rate("zstd:5"));
  EXPECT_GT(rate("zstd:5"), rate("zstd:19"));
  EXPECT_GT(rate("zlib:1"), rate("zlib:9"));
  for (const char* choice : {"none", "lzo", "snappy", "zstd:19", "zlib:9"}) EXPECT_GT(rate(choice), 0U);
}

TEST(DumpTime, OfAnUnknownMachineIsNone) {
  EXPECT_EQ(without_records({}, 0).seconds, 0);
  EXPECT_FALSE(without_records({}, 0).source.empty());
}

TEST(DumpTime, OfAnEarlierCrashCountsInsteadOfTheModel) {
  const std::vector<StoredRecord> records = {crash(10, 1), crash(200, 1), crash(20, 1)};
  const auto time = expected_dump_time({}, 2_GiB, kPage, records);
  EXPECT_NEAR(time.seconds, 200, 1e-6);
  EXPECT_EQ(time.source, "measured: /store/200");
  // Also where the model says more, or nothing.
  EXPECT_NEAR(expected_dump_time({}, 64 * 1024_GiB, kPage, records).seconds, 200, 1e-6);
  EXPECT_NEAR(expected_dump_time({}, 0, kPage, records).seconds, 200, 1e-6);
}

TEST(DumpTime, IsTheWorkOfOneCpuWhateverTheTargetTook) {
  const auto of = [](double seconds, unsigned cpus, double cpu_seconds) {
    StoredRecord stored = crash(seconds, cpus);
    stored.record.cpu_seconds = cpu_seconds;
    return expected_dump_time({}, 2_GiB, kPage, std::vector{stored}).seconds;
  };
  EXPECT_NEAR(of(50, 4, 180), 180, 1e-6);
  // The target was the limit: more CPUs would not help, and the next capture kernel gets no more.
  EXPECT_NEAR(of(120, 1, 30), 30, 1e-6);
  EXPECT_NEAR(of(120, 4, 31), 31, 1e-6);
  // An older record has no such figure; with several CPUs it says nothing.
  EXPECT_NEAR(of(10, 0, 0), 10, 1e-6);
  EXPECT_EQ(of(10, 4, 0), without_records({}, 2_GiB).seconds);
}

TEST(DumpTime, OfTheSameCodecIsComparableHoweverItIsWritten) {
  const auto with = [](const char* configured, const char* recorded) {
    DumpSettings dump;
    dump.compression = *parse_compression_choice(configured);
    StoredRecord stored = crash(5000, 1);
    stored.record.compression = recorded;
    return expected_dump_time(dump, 2_GiB, kPage, std::vector{stored}).seconds;
  };
  EXPECT_NEAR(with("zstd:1", "zstd"), 5000, 1e-6);
  EXPECT_NEAR(with("zstd", "zstd:1"), 5000, 1e-6);
  EXPECT_LT(with("zstd", "zstd:12"), 100);
  EXPECT_LT(with("zstd", "rar"), 100);
  // What was chosen then may be chosen again.
  EXPECT_NEAR(with("auto", "lzo"), 5000, 1e-6);
}

TEST(DumpTime, OfAnotherDumpIsNotComparable) {
  const double model = without_records({}, 2_GiB).seconds;
  const auto with = [](auto change) {
    StoredRecord stored = crash(5000, 1);
    change(stored);
    return expected_dump_time({}, 2_GiB, kPage, std::vector{stored}).seconds;
  };
  EXPECT_NEAR(with([](StoredRecord&) {}), 5000, 1e-6);
  EXPECT_EQ(with([](StoredRecord& s) { s.outcome = CrashOutcome::incomplete; }), model);
  EXPECT_EQ(with([](StoredRecord& s) { s.record.fell_back = true; }), model);
  EXPECT_EQ(with([](StoredRecord& s) { s.record.level = 1; }), model);
  EXPECT_EQ(with([](StoredRecord& s) { s.record.compression = "lzo"; }), model);
  EXPECT_EQ(with([](StoredRecord& s) { s.record.seconds.clear(); }), model);
  EXPECT_EQ(with([](StoredRecord& s) { s.record.dump_bytes = 0; }), model);
}

}  // namespace
}  // namespace lifeboat::arming
