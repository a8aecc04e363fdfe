// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/codec_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "src/base/size.h"
#include "src/dump/kdump_format.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr CompressionChoice kNone{.compression = Compression::none}, kLzo{.compression = Compression::lzo},
    kZstd{.compression = Compression::zstd}, kZstd9{.compression = Compression::zstd, .level = 9};
constexpr double kMicrosecond = 1e-6;

CodecSample sample_of(const CompressionChoice& codec, double microseconds, double bytes) {
  return {.codec = codec,
          .cpu_seconds_per_page = microseconds * kMicrosecond,
          .bytes_per_page = bytes,
          .pages = 1000};
}

// About what the codecs do with a kernel's pages.
const std::vector<CodecSample> kSamples = {sample_of(kNone, 0, 4096), sample_of(kLzo, 4, 1500),
                                           sample_of(kZstd, 10, 1100), sample_of(kZstd9, 60, 1000)};

// 1 GiB of pages.
ExpectedCapture expected_with(unsigned threads) {
  return {.pages = 1_GiB / kPageSize, .page_size = {}, .threads = threads};
}

TargetSpeed megabytes(double per_second) {
  return {.bytes_per_second = per_second * 1e6};
}

std::string chosen(double speed, unsigned threads) {
  const auto decision = choose_codec(kSamples, megabytes(speed), expected_with(threads));
  EXPECT_TRUE(decision) << test::why(decision);
  return decision ? format_compression_choice(decision->sample.codec) : "";
}

TEST(CodecChoice, OnAFastTargetIsTheOneWithLeastWork) {
  EXPECT_EQ(chosen(std::numeric_limits<double>::infinity(), 2), "none");
  EXPECT_EQ(chosen(3000, 2), "none");
  // Whole pages take 4 us on it, and lzo's work 2 us on each of two CPUs.
  EXPECT_EQ(chosen(1000, 2), "lzo");
}

TEST(CodecChoice, AtFiftyMegabytesPerSecondCompressesMore) {
  // A page of lzo takes 30 us to write, one of zstd 22 us: more than its CPU time.
  EXPECT_EQ(chosen(50, 1), "zstd");
  EXPECT_EQ(chosen(50, 2), "zstd");
  // With many CPUs the higher level costs nothing: 20 us of writing.
  EXPECT_EQ(chosen(50, 4), "zstd:9");
}

TEST(CodecChoice, AtFiveMegabytesPerSecondCompressesMost) {
  EXPECT_EQ(chosen(5, 1), "zstd:9");
  EXPECT_EQ(chosen(5, 2), "zstd:9");
}

TEST(CodecChoice, ExpectsTimeAndSizeFromTheSlowerOfThreadsAndTarget) {
  const ExpectedCapture expected = expected_with(2);
  const auto pages = static_cast<double>(expected.pages);
  const std::vector<CodecSample> zstd = {sample_of(kZstd, 10, 1100)};
  const double bytes = pages * (1100 + sizeof(kdump::PageDescriptor));

  const auto fast = choose_codec(zstd, megabytes(10'000), expected).value();
  EXPECT_EQ(fast.limit, CaptureLimit::cpu);
  EXPECT_DOUBLE_EQ(fast.seconds, pages * 10 * kMicrosecond / 2);
  EXPECT_EQ(fast.bytes, static_cast<uint64_t>(bytes));
  EXPECT_TRUE(fast.fits) << "the space is unknown";

  const auto slow = choose_codec(zstd, megabytes(50), expected).value();
  EXPECT_EQ(slow.limit, CaptureLimit::target);
  EXPECT_DOUBLE_EQ(slow.seconds, bytes / 50e6);
}

// What reading and writing cost these CPUs is no reason to compress less or more, but where it decides what
// the limit is.
TEST(CodecChoice, CountsTheOtherWorkOfTheThreads) {
  ExpectedCapture expected = expected_with(1);
  expected.other_cpu_seconds_per_page = 2 * kMicrosecond;
  TargetSpeed speed = megabytes(10'000);
  speed.cpu_seconds_per_byte = 1e-9;
  const std::vector<CodecSample> lzo = {sample_of(kLzo, 4, 1500)};
  const auto pages = static_cast<double>(expected.pages);
  const double bytes = pages * (1500 + sizeof(kdump::PageDescriptor));
  EXPECT_DOUBLE_EQ(choose_codec(lzo, speed, expected)->seconds, pages * 6 * kMicrosecond + bytes * 1e-9);

  // Without the cost of writing a byte, no compression is the cheapest; with it, lzo is.
  EXPECT_EQ(choose_codec(kSamples, megabytes(10'000), expected)->sample.codec, kNone);
  speed.cpu_seconds_per_byte = 2e-9;
  EXPECT_EQ(choose_codec(kSamples, speed, expected)->sample.codec, kLzo);
}

TEST(CodecChoice, LeavesOutWhatDoesNotFit) {
  ExpectedCapture expected = expected_with(2);
  const auto choice_in = [&](uint64_t space) {
    expected.space = space;
    return choose_codec(kSamples, megabytes(3000), expected).value();
  };
  EXPECT_EQ(choice_in(2_GiB).sample.codec, kNone);
  // 1.0 GiB and its descriptors do not fit into 1 GiB; lzo's 381 MiB do.
  EXPECT_EQ(choice_in(1_GiB).sample.codec, kLzo);
  EXPECT_EQ(choice_in(350_MiB).sample.codec, kZstd);
  // 281 MiB of zstd, by the sample: too close.
  EXPECT_EQ(choice_in(285_MiB).sample.codec, kZstd9);
  EXPECT_TRUE(choice_in(285_MiB).fits);
}

TEST(CodecChoice, WhereNothingFitsIsTheSmallest) {
  ExpectedCapture expected = expected_with(2);
  expected.space = 10_MiB;
  const auto decision = choose_codec(kSamples, megabytes(3000), expected).value();
  EXPECT_EQ(decision.sample.codec, kZstd9);
  EXPECT_FALSE(decision.fits);
  EXPECT_THAT(describe(decision, megabytes(3000), expected),
              HasSubstr("no codec is expected to fit into the free space"));
  expected.space = 0;
  EXPECT_FALSE(choose_codec(kSamples, megabytes(3000), expected)->fits);
}

TEST(CodecChoice, OfEqualTimesIsTheSmallerFile) {
  const auto both = [](double one, double other) {
    const std::vector<CodecSample> samples = {sample_of(kLzo, one, 1500), sample_of(kZstd, other, 1100)};
    return choose_codec(samples, megabytes(10'000), expected_with(1))->sample.codec;
  };
  EXPECT_EQ(both(10, 10), kZstd);
  EXPECT_EQ(both(10, 10.15), kZstd) << "a measurement cannot distinguish them";
  EXPECT_EQ(both(10, 10.5), kLzo);
  EXPECT_EQ(both(10.5, 10), kZstd);
  // Of equal sizes, too, the first.
  const std::vector<CodecSample> alike = {sample_of(kZstd, 10, 1100), sample_of(kZstd9, 10, 1100)};
  EXPECT_EQ(choose_codec(alike, megabytes(100), expected_with(1))->sample.codec, kZstd);
}

TEST(CodecChoice, WithoutFiguresIsAnError) {
  EXPECT_EQ(code_of(choose_codec({}, megabytes(50), expected_with(1))), ErrorCode::usage);
  for (const double speed : {0.0, -1.0, std::nan("")})
    EXPECT_EQ(code_of(choose_codec(kSamples, megabytes(speed), expected_with(1))), ErrorCode::usage) << speed;
}

TEST(CodecChoice, OfHugeFiguresStaysFinite) {
  ExpectedCapture expected = expected_with(1);
  expected.pages = std::numeric_limits<uint64_t>::max();
  const auto decision = choose_codec(kSamples, megabytes(1e-9), expected);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->bytes, std::numeric_limits<uint64_t>::max());
  EXPECT_GT(decision->seconds, 0);
}

TEST(CodecChoice, WithoutPagesOrThreadsIsStillOne) {
  ExpectedCapture expected = expected_with(0);
  EXPECT_EQ(choose_codec(kSamples, megabytes(50), expected)->seconds,
            choose_codec(kSamples, megabytes(50), expected_with(1))->seconds);
  expected.pages = 0;
  const auto decision = choose_codec(kSamples, megabytes(50), expected);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->bytes, 0U);
  EXPECT_EQ(decision->seconds, 0);
}

// Whatever the figures are: nothing that fits is faster by more than what cannot be distinguished, and
// nothing as fast is smaller.
TEST(CodecChoice, IsTheBestOfAnyFigures) {
  std::mt19937 random(7);
  const auto between = [&random](double low, double high) {
    return std::exp(std::uniform_real_distribution<>(std::log(low), std::log(high))(random));
  };
  for (int round = 0; round < 1000; ++round) {
    std::vector<CodecSample> samples;
    for (int codec = 0; codec < 6; ++codec)
      samples.push_back(sample_of({.compression = Compression::zstd, .level = codec + 1}, between(0.1, 1000),
                                  between(100, 4096)));
    ExpectedCapture expected = expected_with(1 + random() % 16);
    expected.space = static_cast<uint64_t>(between(1e7, 3e9));
    const TargetSpeed speed = megabytes(between(1, 10'000));
    const auto decision = choose_codec(samples, speed, expected).value();
    for (const auto& sample : samples) {
      const auto other = choose_codec(std::span(&sample, 1), speed, expected).value();
      if (!decision.fits) {
        EXPECT_FALSE(other.fits);
        EXPECT_GE(other.bytes, decision.bytes);
      } else if (other.fits) {
        EXPECT_LE(decision.seconds, other.seconds * 1.021);
        if (other.seconds < decision.seconds) {
          EXPECT_GE(other.bytes, decision.bytes);
        }
      }
    }
  }
}

TEST(CodecChoice, IsDescribedWithItsFigures) {
  const ExpectedCapture expected = expected_with(2);
  const auto slow = choose_codec(kSamples, megabytes(50), expected).value();
  EXPECT_EQ(
      describe(slow, megabytes(50), expected),
      "zstd: 819 MB/s with 2 threads, pages become 26.9 % of their size; the target takes 50 MB/s and is "
      "the limit; 281.0 MiB in 5.9 s");
  const auto fast = choose_codec(kSamples, megabytes(1000), expected_with(1)).value();
  EXPECT_THAT(describe(fast, megabytes(1000), expected_with(1)),
              AllOf(HasSubstr("with 1 thread,"), Not(HasSubstr("is the limit"))));
  const TargetSpeed any = {.bytes_per_second = std::numeric_limits<double>::infinity()};
  const auto none = choose_codec(kSamples, any, expected).value();
  EXPECT_THAT(describe(none, any, expected),
              HasSubstr("none: any speed with 2 threads, pages become 100.0 %"));
  EXPECT_EQ(describe(CodecDecision{}, any, expected),
            "zstd: nothing was measured, there are only pages of zeros");
}

}  // namespace
}  // namespace lifeboat
