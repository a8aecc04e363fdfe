// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/codec.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <limits>

#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::noise;
using test::patterned_page;
using test::to_bytes;
using test::why;

class Codec : public testing::TestWithParam<Compression> {
 protected:
  std::vector<std::byte> compressed(ByteSpan page) const {
    return to_bytes(PageCompressor::create(GetParam()).value()->compress(page).value());
  }
  PageDecompressor decompressor_;
  std::vector<std::byte> out_ = std::vector<std::byte>(kPageSize);
};

TEST_P(Codec, PageComesBack) {
  const auto page = patterned_page(7);
  const auto packed = compressed(page);
  ASSERT_FALSE(packed.empty());
  EXPECT_LT(packed.size(), page.size() / 2);
  ASSERT_TRUE(decompressor_.decompress(GetParam(), packed, out_));
  EXPECT_EQ(out_, page);
}

TEST_P(Codec, OneObjectServesManyPages) {
  const auto compressor = PageCompressor::create(GetParam()).value();
  for (uint64_t seed = 0; seed < 100; ++seed) {
    auto page = patterned_page(seed);
    const auto tail = noise(seed, seed * 20);
    std::ranges::copy(tail, page.begin());
    const auto packed = compressor->compress(page);
    ASSERT_TRUE(packed);
    ASSERT_FALSE(packed->empty()) << seed;
    ASSERT_TRUE(decompressor_.decompress(GetParam(), *packed, out_));
    ASSERT_EQ(out_, page) << seed;
  }
}

TEST_P(Codec, NoiseIsBetterStoredAsItIs) {
  EXPECT_TRUE(compressed(noise(1, kPageSize)).empty());
}

TEST_P(Codec, EveryTruncationIsCorrupt) {
  const auto packed = compressed(patterned_page(3));
  for (size_t size = 0; size < packed.size(); ++size) {
    ASSERT_EQ(code_of(decompressor_.decompress(GetParam(), ByteSpan(packed).first(size), out_)),
              ErrorCode::corrupt)
        << size;
  }
}

TEST_P(Codec, AnotherSizeThanAPageIsCorrupt) {
  const auto small = compressed(ByteSpan(patterned_page(3)).first(kPageSize / 2));
  EXPECT_EQ(code_of(decompressor_.decompress(GetParam(), small, out_)), ErrorCode::corrupt);
  const auto whole = compressed(patterned_page(3));
  for (const size_t size : {size_t{0}, size_t{1}, kPageSize - 1}) {
    EXPECT_EQ(code_of(decompressor_.decompress(GetParam(), whole, MutableByteSpan(out_).first(size))),
              ErrorCode::corrupt)
        << size;
  }
}

// Damage may go unnoticed where the codec has no checksum, but it must stay within the page.
TEST_P(Codec, FlippedBitsNeverWriteBeyondThePage) {
  const auto packed = compressed(patterned_page(3));
  std::vector<std::byte> guarded(kPageSize + 64, std::byte{0xa5});
  for (size_t bit = 0; bit < packed.size() * 8; ++bit) {
    auto damaged = packed;
    damaged[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    const auto result =
        decompressor_.decompress(GetParam(), damaged, MutableByteSpan(guarded).first(kPageSize));
    if (!result) {
      ASSERT_EQ(result.error().code, ErrorCode::corrupt);
    }
    for (size_t at = kPageSize; at < guarded.size(); ++at) ASSERT_EQ(guarded[at], std::byte{0xa5}) << bit;
  }
}

TEST_P(Codec, NoiseDoesNotExpand) {
  for (uint64_t seed = 0; seed < 50; ++seed)
    EXPECT_EQ(code_of(decompressor_.decompress(GetParam(), noise(seed, 1000), out_)), ErrorCode::corrupt)
        << seed;
}

TEST_P(Codec, IsFoundByItsName) {
  EXPECT_EQ(parse_compression(compression_name(GetParam())), GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, Codec,
                         testing::Values(Compression::zlib, Compression::lzo, Compression::snappy,
                                         Compression::zstd),
                         [](const auto& which) { return std::string(compression_name(which.param)); });

TEST(NoCodec, StoresPagesAsTheyAre) {
  const auto page = patterned_page(1);
  EXPECT_TRUE(PageCompressor::create(Compression::none).value()->compress(page)->empty());
  PageDecompressor decompressor;
  std::vector<std::byte> out(kPageSize);
  ASSERT_TRUE(decompressor.decompress(Compression::none, page, out));
  EXPECT_EQ(out, page);
  EXPECT_EQ(code_of(decompressor.decompress(Compression::none, ByteSpan(page).first(100), out)),
            ErrorCode::corrupt);
}

struct LevelCase {
  Compression compression;
  int level;
  bool good;
};
class CodecLevels : public testing::TestWithParam<LevelCase> {};

constexpr int kMinInt = std::numeric_limits<int>::min();
// Of zstd 1.5; a library with other ones would be asked for them.
constexpr int kFastestZstd = -(1 << 17);

TEST_P(CodecLevels, AreCheckedWhenTheyAreChosen) {
  const auto& [compression, level, good] = GetParam();
  const auto compressor = PageCompressor::create(compression, level);
  if (!good) {
    EXPECT_EQ(code_of(compressor), ErrorCode::usage);
    return;
  }
  ASSERT_TRUE(compressor) << why(compressor);
  const auto page = patterned_page(9);
  PageDecompressor decompressor;
  std::vector<std::byte> out(kPageSize);
  const ByteSpan packed = (*compressor)->compress(page).value();
  // The fastest levels find nothing.
  if (packed.empty()) {
    EXPECT_LT(level, -100);
    return;
  }
  ASSERT_TRUE(decompressor.decompress(compression, packed, out));
  EXPECT_EQ(out, page);
}

INSTANTIATE_TEST_SUITE_P(
    Borders, CodecLevels,
    testing::Values(LevelCase{Compression::zstd, 1, true}, LevelCase{Compression::zstd, 19, true},
                    LevelCase{Compression::zstd, 20, false}, LevelCase{Compression::zstd, -1, true},
                    LevelCase{Compression::zstd, -5, true}, LevelCase{Compression::zstd, kFastestZstd, true},
                    LevelCase{Compression::zstd, kFastestZstd - 1, false},
                    LevelCase{Compression::zstd, kMinInt, false}, LevelCase{Compression::zlib, -1, false},
                    LevelCase{Compression::zlib, 1, true}, LevelCase{Compression::zlib, 9, true},
                    LevelCase{Compression::zlib, 10, false}, LevelCase{Compression::lzo, 0, true},
                    LevelCase{Compression::lzo, 1, false}, LevelCase{Compression::snappy, 1, false},
                    LevelCase{Compression::none, 1, false}));

// A page that a human could have written: words again and again, and numbers that differ.
std::vector<std::byte> text_page(uint64_t seed) {
  std::string text;
  for (uint64_t number = seed * 1000; text.size() < kPageSize; ++number)
    text += fmt::format("{} kernel: task {} on cpu {} ran for {} ns\n", number, number * 7919 % 4001,
                        number % 16, number * 104729 % 1000003);
  text.resize(kPageSize);
  return to_bytes(text);
}

size_t packed_size(Compression compression, int level) {
  const auto compressor = PageCompressor::create(compression, level).value();
  size_t size = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) size += compressor->compress(text_page(seed))->size();
  return size;
}

TEST(CodecLevel, DecidesHowMuchSmallerPagesBecome) {
  EXPECT_GT(packed_size(Compression::zstd, -50), packed_size(Compression::zstd, -5));
  EXPECT_GT(packed_size(Compression::zstd, -5), packed_size(Compression::zstd, 1));
  EXPECT_GT(packed_size(Compression::zstd, 1), packed_size(Compression::zstd, 19));
  EXPECT_GT(packed_size(Compression::zlib, 1), packed_size(Compression::zlib, 9));
}

// The level that other writers use.
TEST(CodecLevel, OneOfZlibIsNoLargerThanByZlibItself) {
  const auto compressor = PageCompressor::create(Compression::zlib, 1).value();
  size_t ours = 0, theirs = 0;
  std::vector<std::byte> out(2 * kPageSize);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const auto& page : {text_page(seed), patterned_page(seed)}) {
      uLongf size = out.size();
      ASSERT_EQ(::compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                            reinterpret_cast<const Bytef*>(page.data()), page.size(), 1),
                Z_OK);
      theirs += size;
      ours += compressor->compress(page)->size();
    }
  }
  EXPECT_LE(ours, theirs);
}

// The object keeps its library's state from page to page: what came before must not show.
TEST(CodecLevel, OfEveryPageIsTheSame) {
  for (const auto& [compression, level] : {std::pair{Compression::zstd, -5},
                                           {Compression::zstd, 1},
                                           {Compression::zstd, 19},
                                           {Compression::zlib, 1},
                                           {Compression::zlib, 9}}) {
    const auto compressor = PageCompressor::create(compression, level).value();
    const auto first = to_bytes(compressor->compress(text_page(1)).value());
    EXPECT_TRUE(compressor->compress(noise(1, kPageSize))->empty());
    ASSERT_FALSE(compressor->compress(text_page(2))->empty());
    EXPECT_EQ(to_bytes(compressor->compress(text_page(1)).value()), first)
        << compression_name(compression) << ' ' << level;
  }
}

TEST(PageCompressor, IsNoneForAnAutomaticChoice) {
  const auto automatic = PageCompressor::create({.automatic = true});
  EXPECT_EQ(code_of(automatic), ErrorCode::usage);
  EXPECT_TRUE(PageCompressor::create({.compression = Compression::zstd, .level = -5}));
  const auto unknown = PageCompressor::create({.compression = Compression::lzo, .level = 2});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "lzo has no compression levels, so not 2");
}

}  // namespace
}  // namespace lifeboat
