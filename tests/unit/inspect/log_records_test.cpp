// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/log_records.h"

#include <gtest/gtest.h>

#include "src/base/file.h"
#include "tests/support/fake_kernel.h"

namespace lifeboat::inspect {
namespace {

LogRecord record(uint8_t level, std::string text) {
  return {1, 1'500'000'000, 0, level, 0, std::move(text)};
}

TEST(LogFilter, OneLevelMeansWorseOnesToo) {
  const LogFilter filter{.levels = parse_levels("warn").value()};
  EXPECT_TRUE(filter.accepts(record(4, "")));
  EXPECT_TRUE(filter.accepts(record(0, "")));
  EXPECT_FALSE(filter.accepts(record(5, "")));
  EXPECT_EQ(parse_levels("debug").value(), 0xff);
  EXPECT_EQ(parse_levels("emerg").value(), 1);
}

TEST(LogFilter, SeveralLevelsMeanJustThese) {
  EXPECT_EQ(parse_levels("err,info").value(), 1 << 3 | 1 << 6);
  EXPECT_EQ(parse_levels("3,6").value(), 1 << 3 | 1 << 6);
  EXPECT_EQ(parse_levels("err,").error().code, ErrorCode::usage);
  EXPECT_EQ(parse_levels("loud").error().code, ErrorCode::usage);
  EXPECT_EQ(parse_levels("").error().code, ErrorCode::usage);
  EXPECT_EQ(parse_levels("8").error().code, ErrorCode::usage);
}

TEST(LogFilter, TextInEitherCase) {
  const LogFilter filter{.text = "OOPS"};
  EXPECT_TRUE(filter.accepts(record(1, "an Oops: 1")));
  EXPECT_FALSE(filter.accepts(record(1, "oop")));
}

TEST(WallClock, ReckonsFromTheCrash) {
  const auto folder = TempDir::create("log-test").value();
  const std::string path = folder.path() / "dump";
  test::FakeKernel fake;
  fake.set_log({{1, 1'000'000'000, 0, 6, 0, "one"}, {2, 11'000'000'000, 0, 6, 0, "end"}});
  fake.write_elf(path);
  const auto session = Session::open(path).value();
  const auto clock = wall_clock(session).value();
  EXPECT_DOUBLE_EQ(clock.time_of(session.log()->records.at(0)), 1700000000.0 - 10);
  EXPECT_DOUBLE_EQ(clock.time_of(session.log()->records.at(1)), 1700000000.0);
}

}  // namespace
}  // namespace lifeboat::inspect
