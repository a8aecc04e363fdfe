// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/target_speed.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "src/base/file.h"
#include "src/base/size.h"
#include "tests/support/faults.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::FaultInjection;
using test::noise;
using test::why;

constexpr Seconds kLimit{0.3};

// A target with its own clock: its cache takes the first bytes at once.
struct FakeTarget {
  double bytes_per_second = 50e6;
  double sync_seconds = 0;  // each sync takes so long besides
  double cpu_per_byte = 0;
  uint64_t cache = 0;
  uint64_t full_after = UINT64_MAX;

  double now = 100, cpu = 5;
  uint64_t written = 0, synced = 0, largest = 0;
  std::vector<std::byte> first;

  SpeedTrial trial() {
    return {.write = [this](ByteSpan bytes) -> Result<> {
              if (written + bytes.size() > full_after) return fail(ErrorCode::no_space, "it is full");
              if (first.empty()) first.assign(bytes.begin(), bytes.end());
              written += bytes.size();
              cpu += static_cast<double>(bytes.size()) * cpu_per_byte;
              return {};
            },
            .sync = [this]() -> Result<> {
              uint64_t bytes = written - synced;
              largest = std::max(largest, bytes);
              synced = written;
              const uint64_t cached = std::min(bytes, cache);
              cache -= cached;
              now += static_cast<double>(bytes - cached) / bytes_per_second + sync_seconds;
              return {};
            },
            .wall_seconds = [this] { return now; },
            .cpu_seconds = [this] { return cpu; }};
  }
};

double measured(FakeTarget& target) {
  const auto speed = measure_speed(target.trial(), kLimit);
  EXPECT_TRUE(speed) << why(speed);
  return speed ? speed->bytes_per_second : 0;
}

TEST(MeasureSpeed, FindsTheSpeed) {
  for (const double speed : {1e6, 5e6, 50e6, 500e6, 5e9}) {
    FakeTarget target{.bytes_per_second = speed};
    EXPECT_NEAR(measured(target), speed, speed * 0.01);
  }
}

TEST(MeasureSpeed, StaysWithinTheTimeAndSpace) {
  for (const double speed : {1e6, 5e6, 50e6, 500e6, 5e9, 1e15}) {
    FakeTarget target{.bytes_per_second = speed};
    measured(target);
    EXPECT_LE(target.written, 64_MiB);
    // One piece at least, however long that takes.
    EXPECT_LE(target.now - 100, std::max(2 * kLimit.count(), 1_MiB / speed * 1.01)) << speed;
  }
}

// A disk's cache, or a limit that lets a tenth of a second pass at first.
TEST(MeasureSpeed, IsNotDeceivedByACache) {
  for (const double speed : {5e6, 50e6, 200e6}) {
    FakeTarget target{.bytes_per_second = speed, .cache = static_cast<uint64_t>(speed / 10)};
    EXPECT_NEAR(measured(target), speed, speed * 0.05) << speed;
  }
}

TEST(MeasureSpeed, CountsLittleOfTheDelayOfASync) {
  FakeTarget target{.bytes_per_second = 200e6, .sync_seconds = 0.01};
  EXPECT_NEAR(measured(target), 200e6, 200e6 * 0.15);
}

TEST(MeasureSpeed, MeasuresWhatWritingCostsTheCpu) {
  FakeTarget target{.cpu_per_byte = 3e-10};
  EXPECT_NEAR(measure_speed(target.trial(), kLimit)->cpu_seconds_per_byte, 3e-10, 1e-12);
}

TEST(MeasureSpeed, WritesWhatCannotBeCompressed) {
  FakeTarget target;
  measured(target);
  ASSERT_GE(target.first.size(), 1_MiB);
  std::array<size_t, 256> counts{};
  for (const std::byte byte : target.first) ++counts[static_cast<size_t>(byte)];
  const double expected = static_cast<double>(target.first.size()) / 256;
  for (const size_t count : counts) EXPECT_NEAR(static_cast<double>(count), expected, expected / 8);
}

TEST(MeasureSpeed, OfAFullTargetIsAnErrorAndOfALaterFullOneIsNot) {
  FakeTarget full{.full_after = 0};
  EXPECT_EQ(code_of(measure_speed(full.trial(), kLimit)), ErrorCode::no_space);
  FakeTarget later{.full_after = 3_MiB};
  EXPECT_NEAR(measured(later), 50e6, 1e6) << "of what it took";
}

TEST(MeasureSpeed, OfAClockThatStandsStillIsFast) {
  FakeTarget target{.bytes_per_second = std::numeric_limits<double>::infinity()};
  const auto speed = measure_speed(target.trial(), kLimit);
  ASSERT_TRUE(speed);
  EXPECT_GT(speed->bytes_per_second, 1e12);
  EXPECT_LE(target.written, 64_MiB);
}

class MeasureFileSpeed : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(pwrite_all(fd_.get(), 0, contents_, "file")); }
  [[nodiscard]] std::vector<std::byte> now() const { return read_file(temp_.path() / "file").value(); }

  TempDir temp_ = TempDir::create("speed-test").value();
  UniqueFd fd_ = open_file(temp_.path() / "file", O_RDWR | O_CREAT, 0600).value();
  std::vector<std::byte> contents_ = noise(1, 10'000);
};

TEST_F(MeasureFileSpeed, LeavesTheFileAsItWas) {
  const auto speed = measure_file_speed(fd_.get(), "file", Seconds(0.02));
  ASSERT_TRUE(speed) << why(speed);
  EXPECT_GT(speed->bytes_per_second, 1e4);
  EXPECT_GT(speed->cpu_seconds_per_byte, 0);
  EXPECT_EQ(now(), contents_);
}

TEST_F(MeasureFileSpeed, LeavesItSoWhenAnythingFails) {
  for (const auto& [call, error, code] :
       {std::tuple{sys::Call::pwrite, ENOSPC, ErrorCode::no_space}, {sys::Call::fsync, EIO, ErrorCode::io}}) {
    const FaultInjection fault(call, 0, error, FaultInjection::Duration::for_good);
    EXPECT_EQ(code_of(measure_file_speed(fd_.get(), "file", Seconds(0.02))), code);
    EXPECT_TRUE(fault.fired());
    EXPECT_EQ(now(), contents_);
  }
}

TEST_F(MeasureFileSpeed, ReportsThatTheFileKeptTheTrial) {
  const FaultInjection fault(sys::Call::ftruncate, 0, EIO);
  const auto speed = measure_file_speed(fd_.get(), "file", Seconds(0.02));
  ASSERT_FALSE(speed);
  EXPECT_NE(speed.error().message.find("cannot give file its size back"), std::string::npos);
}

}  // namespace
}  // namespace lifeboat
