// SPDX-License-Identifier: GPL-2.0-or-later
// Also built with ThreadSanitizer, with nothing but the engine around it.
#include "capture/engine/codec_sampling.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>
#include <limits>
#include <random>

#include "src/base/file.h"
#include "src/dump/codec.h"
#include "tests/support/results.h"
#include "tests/support/sanitized.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::why;

constexpr CompressionChoice kNone{.compression = Compression::none}, kLzo{.compression = Compression::lzo},
    kZlib{.compression = Compression::zlib}, kZstd{.compression = Compression::zstd},
    kFastZstd{.compression = Compression::zstd, .level = -1},
    kSmallZstd{.compression = Compression::zstd, .level = 9};
constexpr Seconds kLong{600}, kNoTime{0};

// A table of records: what becomes a third of its size, and smaller with more effort.
void append_records(std::vector<std::byte>& pages, uint64_t seed) {
  std::string text;
  for (uint64_t number = seed * 1000; text.size() < kPageSize; ++number)
    text += fmt::format("{} task {} on cpu {} ran {} ns\n", number, number * 7919 % 4001, number % 16,
                        number * 104729 % 1000003);
  const ByteSpan bytes = as_byte_span(text).first(kPageSize);
  pages.insert(pages.end(), bytes.begin(), bytes.end());
}

void append_noise(std::vector<std::byte>& pages, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (size_t count = 0; count < kPageSize; ++count) pages.push_back(static_cast<std::byte>(random()));
}

void append_zeros(std::vector<std::byte>& pages) {
  pages.resize(pages.size() + kPageSize);
}

std::vector<std::byte> records(size_t count) {
  std::vector<std::byte> pages;
  for (size_t seed = 0; seed < count; ++seed) append_records(pages, seed);
  return pages;
}

// By the compressor itself.
double mean_size(ByteSpan pages, const CompressionChoice& codec) {
  const auto compressor = PageCompressor::create(codec).value();
  size_t size = 0;
  const size_t count = pages.size() / kPageSize;
  for (size_t at = 0; at < pages.size(); at += kPageSize) {
    const ByteSpan packed = compressor->compress(pages.subspan(at, kPageSize)).value();
    size += packed.empty() ? kPageSize : packed.size();
  }
  return static_cast<double>(size) / static_cast<double>(count);
}

TEST(SampleCodecs, MeasuresEachWithAllPages) {
  constexpr size_t kCount = 3 * kSampleGroup + 1;
  const auto pages = records(kCount);
  const CompressionChoice codecs[] = {kNone, kLzo, kZlib, kZstd, kFastZstd, kSmallZstd};
  std::vector<double> sizes;
  for (const auto& codec : codecs) sizes.push_back(mean_size(pages, codec));
  for (const unsigned threads : {0U, 1U, 2U, 4U, 64U}) {
    const auto samples = sample_codecs({pages, {}}, codecs, threads, kLong);
    ASSERT_TRUE(samples) << why(samples);
    ASSERT_EQ(samples->size(), std::size(codecs));
    for (size_t index = 0; index < std::size(codecs); ++index) {
      const CodecSample& sample = samples->at(index);
      EXPECT_EQ(sample.codec, codecs[index]);
      EXPECT_EQ(sample.pages, kCount);
      EXPECT_DOUBLE_EQ(sample.bytes_per_page, sizes[index]) << index;
      if (codecs[index] == kNone) {
        EXPECT_EQ(sample.cpu_seconds_per_page, 0);
      } else {
        EXPECT_GT(sample.cpu_seconds_per_page, 0);
        EXPECT_LT(sample.cpu_seconds_per_page, 0.1);
      }
    }
    EXPECT_GT(samples->at(5).cpu_seconds_per_page, samples->at(3).cpu_seconds_per_page)
        << "level 9 is more work than level 1";
  }
}

TEST(SampleCodecs, PassesOverPagesOfZeros) {
  std::vector<std::byte> pages;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    append_zeros(pages);
    append_records(pages, seed);
  }
  // Not zero in its last byte alone, and in its first.
  append_zeros(pages);
  pages.back() = std::byte{1};
  append_zeros(pages);
  pages[pages.size() - kPageSize] = std::byte{1};
  const auto samples = sample_codecs({pages, {}}, std::array{kZstd}, 1, kLong);
  ASSERT_TRUE(samples);
  EXPECT_EQ(samples->front().pages, 22U);
}

TEST(SampleCodecs, WithoutPagesGivesNothing) {
  for (const size_t count : {0, 1, 40}) {
    const auto samples =
        sample_codecs({std::vector<std::byte>(count * kPageSize), {}}, std::array{kZstd}, 2, kLong);
    ASSERT_TRUE(samples);
    EXPECT_TRUE(samples->empty());
  }
  const auto part = records(1);
  EXPECT_TRUE(sample_codecs({ByteSpan(part).first(kPageSize - 1), {}}, std::array{kZstd}, 1, kLong)->empty());
}

TEST(SampleCodecs, CountsWholePagesWhereNothingIsSaved) {
  std::vector<std::byte> pages;
  for (uint64_t seed = 0; seed < 10; ++seed) append_noise(pages, seed);
  const auto samples = sample_codecs({pages, {}}, std::array{kZstd, kZlib, kLzo}, 1, kLong);
  ASSERT_TRUE(samples);
  for (const auto& sample : *samples) EXPECT_EQ(sample.bytes_per_page, kPageSize);
}

TEST(SampleCodecs, EndsWithTheTime) {
  const auto pages = records(20 * kSampleGroup);
  const auto one = sample_codecs({pages, {}}, std::array{kZstd, kZlib}, 1, kNoTime);
  ASSERT_TRUE(one);
  for (const auto& sample : *one)
    EXPECT_EQ(sample.pages, kSampleGroup) << "the first group is measured always";
  const auto four = sample_codecs({pages, {}}, std::array{kZstd, kZlib}, 4, kNoTime);
  ASSERT_TRUE(four);
  for (const auto& sample : *four) EXPECT_EQ(sample.pages, kSampleGroup);
}

// The first pages of a machine are not like the others: what there is time for comes from everywhere.
TEST(SampleCodecs, TakesPagesFromAllOverTheSample) {
  constexpr size_t kHalf = 512 * kSampleGroup;
  std::vector<std::byte> record, noise, pages;
  append_records(record, 1);
  append_noise(noise, 1);
  for (size_t count = 0; count < kHalf; ++count) pages.insert(pages.end(), record.begin(), record.end());
  for (size_t count = 0; count < kHalf; ++count) pages.insert(pages.end(), noise.begin(), noise.end());
  // So much work that there is no time for the first half.
  const CompressionChoice slow{.compression = Compression::zstd, .level = 19};
  const auto samples = sample_codecs({pages, {}}, std::array{kZstd, slow}, 1, Seconds(0.5));
  ASSERT_TRUE(samples);
  const CodecSample& sample = samples->front();
  EXPECT_LT(sample.pages, kHalf);
  if (sample.pages == kSampleGroup) GTEST_SKIP() << "no time for a second group in half a second";
  // A third of them at least is noise, which does not become smaller.
  EXPECT_GT(sample.bytes_per_page, kPageSize / 3);
}

TEST(SampleCodecs, RefusesWhatIsNoCodec) {
  const auto pages = records(1);
  const CompressionChoice unknown{.compression = Compression::zstd, .level = 99};
  EXPECT_EQ(code_of(sample_codecs({pages, {}}, std::array{kZstd, unknown}, 1, kLong)), ErrorCode::usage);
  const CompressionChoice automatic{.automatic = true};
  EXPECT_EQ(code_of(sample_codecs({pages, {}}, std::array{automatic}, 1, kLong)), ErrorCode::usage);
}

TEST(SampleCodecs, TakesPagesOfAnySize) {
  for (const uint64_t bytes : {16384, 65536}) {
    const auto pages = records(32);
    const PageSize size = PageSize::of(bytes).value();
    const auto samples = sample_codecs({pages, size}, std::array{kZstd}, 1, kLong);
    ASSERT_TRUE(samples);
    EXPECT_EQ(samples->front().pages, 32 * kPageSize / bytes);
    EXPECT_LT(samples->front().bytes_per_page, static_cast<double>(bytes) / 2);
  }
}

// A thread's stack needs 8 MiB of addresses; the codecs here, less than one.
[[noreturn]] void sample_without_threads(ByteSpan pages) {
  uint64_t in_use = 0;
  const std::string statm = read_text("/proc/self/statm").value();
  if (std::sscanf(statm.c_str(), "%lu", &in_use) != 1) std::exit(1);
  const rlim_t most = in_use * static_cast<uint64_t>(::getpagesize()) + (4U << 20);
  const rlimit limit{.rlim_cur = most, .rlim_max = most};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) std::exit(2);
  const auto samples = sample_codecs({pages, {}}, std::array{kLzo}, 4, kLong);
  if (!samples || samples->size() != 1) std::exit(3);
  // A quarter of the groups, by the one thread that there was.
  std::exit(samples->front().pages == 2 * kSampleGroup ? 0 : 4);
}

TEST(SampleCodecsDeathTest, DoesWithoutThreadsThatCannotBeStarted) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer takes terabytes of addresses";
  // In a new process: the C library keeps the stacks of threads that have ended here.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto pages = records(8 * kSampleGroup);
  EXPECT_EXIT(sample_without_threads(pages), testing::ExitedWithCode(0), "");
}

TEST(SamplingLimit, IsASmallPartOfTheCapture) {
  const auto limit = [](uint64_t gibibytes, unsigned threads, double speed) {
    return sampling_limit({.bytes_per_second = speed},
                          {.pages = gibibytes << 18, .page_size = {}, .threads = threads})
        .count();
  };
  constexpr double kFast = 1e12;
  EXPECT_DOUBLE_EQ(limit(0, 1, kFast), 0.05);
  EXPECT_NEAR(limit(4, 1, kFast), 0.02 * 10.7, 0.01);
  EXPECT_NEAR(limit(4, 2, kFast), 0.02 * 5.4, 0.01);
  EXPECT_NEAR(limit(1, 2, 50e6), 0.02 * 7.2, 0.01);
  EXPECT_DOUBLE_EQ(limit(1000, 1, kFast), 0.5);
  EXPECT_DOUBLE_EQ(limit(4, 4, 1e6), 0.5);
}

ExpectedCapture capture_of(uint64_t pages) {
  return {.pages = pages, .page_size = {}, .threads = 1};
}

TEST(DecideCodec, TakesNoCodecWhereTheTargetCostsNothing) {
  const auto pages = records(64);
  const TargetSpeed any = {.bytes_per_second = std::numeric_limits<double>::infinity()};
  const auto decision = decide_codec({pages, {}}, any, capture_of(100000));
  ASSERT_TRUE(decision) << why(decision);
  EXPECT_EQ(decision->sample.codec, kNone);
}

// One group of pages each: it is measured always, however busy the machine is that runs the test.
TEST(DecideCodec, TakesTheSmallestFileWhereTheTargetIsTheLimit) {
  const auto pages = records(kSampleGroup);
  const TargetSpeed slow = {.bytes_per_second = 1000};
  const auto decision = decide_codec({pages, {}}, slow, capture_of(100000));
  ASSERT_TRUE(decision) << why(decision);
  EXPECT_EQ(decision->limit, CaptureLimit::target);
  EXPECT_EQ(decision->sample.pages, kSampleGroup);
  for (const auto& other : {kNone, kLzo, kFastZstd})
    EXPECT_LT(decision->sample.bytes_per_page, mean_size(pages, other));
  EXPECT_LT(decision->sample.bytes_per_page, mean_size(pages, kZstd)) << "more effort is worth it";
}

TEST(DecideCodec, LooksForASmallerFileWhereTheSpaceIsTheLimit) {
  const auto pages = records(kSampleGroup);
  ExpectedCapture expected = capture_of(100000);
  const TargetSpeed fast = {.bytes_per_second = 1e12};
  expected.space = static_cast<uint64_t>(100000 * mean_size(pages, kZstd));  // nothing for descriptors
  const auto decision = decide_codec({pages, {}}, fast, expected);
  ASSERT_TRUE(decision) << why(decision);
  EXPECT_LT(decision->sample.bytes_per_page, mean_size(pages, kZstd));
}

TEST(DecideCodec, IsTheDefaultWhereThereAreOnlyZeros) {
  const std::vector<std::byte> zeros(16 * kPageSize);
  const auto decision = decide_codec({zeros, {}}, {.bytes_per_second = 1e6}, capture_of(10));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->sample.codec, CompressionChoice{});
  EXPECT_EQ(decision->sample.pages, 0U);
}

TEST(DecideCodec, NeedsASpeed) {
  const auto pages = records(4);
  EXPECT_EQ(code_of(decide_codec({pages, {}}, {}, capture_of(10))), ErrorCode::usage);
}

}  // namespace
}  // namespace lifeboat
