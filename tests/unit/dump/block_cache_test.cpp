// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/block_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/pages.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::noise;
using test::why;

constexpr uint64_t kBlock = 64;

// Counts what is read, and fails where a bad sector lies.
class Probe final : public ByteSource {
 public:
  explicit Probe(size_t size) : bytes(noise(7, size)) {}
  [[nodiscard]] uint64_t size() const override { return bytes.size(); }
  [[nodiscard]] const std::string& name() const override { return name_; }
  Result<> read(uint64_t offset, MutableByteSpan out) const override {
    ++reads;
    const ByteSpan part = TRY(slice(bytes, offset, out.size(), name_));
    if (offset <= bad && bad - offset < out.size()) return fail(ErrorCode::io, "bad sector");
    std::ranges::copy(part, out.begin());
    return {};
  }

  std::vector<std::byte> bytes;
  uint64_t bad = ~uint64_t{0};
  mutable int reads = 0;

 private:
  std::string name_ = "probe";
};

Result<std::vector<std::byte>> read(BlockCache& cache, uint64_t at, size_t size) {
  std::vector<std::byte> scratch(size);
  const ByteSpan found = TRY(cache.bytes(at, scratch));
  return std::vector(found.begin(), found.end());
}

std::vector<std::byte> part(const Probe& probe, uint64_t at, size_t size) {
  const auto found = ByteSpan(probe.bytes).subspan(at, size);
  return {found.begin(), found.end()};
}

TEST(BlockCache, GivesWhatTheFileHasWhereverItLies) {
  const Probe probe(1000);  // the last block is a part of one
  for (const uint64_t offset : {0, 1, 63, 64, 100}) {
    BlockCache cache(probe, offset, 700, kBlock, 3);
    for (uint64_t at = 0; at < 700; ++at) {
      for (const size_t size : {1, 24, 64, 65, 200}) {
        const auto found = read(cache, at, size);
        if (at + size <= 700) {
          ASSERT_TRUE(found) << at << " " << size << ": " << why(found);
          EXPECT_EQ(*found, part(probe, offset + at, size)) << at << " " << size;
        } else {
          EXPECT_EQ(code_of(found), ErrorCode::truncated) << at << " " << size;
        }
      }
    }
  }
}

TEST(BlockCache, ReadsABlockOnce) {
  const Probe probe(1000);
  BlockCache cache(probe, 0, 1000, kBlock, 3);
  for (uint64_t at = 0; at < 3 * kBlock; at += 8) ASSERT_TRUE(read(cache, at, 8));
  for (uint64_t at = 0; at < 3 * kBlock; at += 8) ASSERT_TRUE(read(cache, at, 8));
  EXPECT_EQ(probe.reads, 3);
  ASSERT_TRUE(read(cache, 3 * kBlock, 8));  // takes the place of the first
  EXPECT_EQ(read(cache, 0, 8).value(), part(probe, 0, 8));
  EXPECT_EQ(read(cache, 3 * kBlock, 8).value(), part(probe, 3 * kBlock, 8));
}

TEST(BlockCache, EndsWithTheFile) {
  const Probe probe(1000);
  BlockCache cache(probe, 900, 500, kBlock, 3);
  EXPECT_EQ(read(cache, 92, 8).value(), part(probe, 992, 8));
  EXPECT_EQ(code_of(read(cache, 93, 8)), ErrorCode::truncated);
  EXPECT_EQ(code_of(read(cache, 100, 1)), ErrorCode::truncated);
  EXPECT_EQ(code_of(read(cache, ~uint64_t{0} - 3, 8)), ErrorCode::truncated);
  EXPECT_EQ(cache.block(99).value().size(), 100 % kBlock);
  EXPECT_EQ(code_of(cache.block(100)), ErrorCode::truncated);
  BlockCache beyond(probe, 2000, 500, kBlock, 3);
  EXPECT_EQ(code_of(read(beyond, 0, 1)), ErrorCode::truncated);
}

TEST(BlockCache, ABadSectorCostsWhatLiesInItOnly) {
  Probe probe(1000);
  probe.bad = 70;
  BlockCache cache(probe, 0, 1000, kBlock, 3);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(code_of(read(cache, 66, 8)), ErrorCode::io);
    EXPECT_EQ(read(cache, 72, 8).value(), part(probe, 72, 8));
    EXPECT_EQ(read(cache, 0, 8).value(), part(probe, 0, 8));
    EXPECT_EQ(code_of(cache.block(70)), ErrorCode::io);
  }
  probe.bad = ~uint64_t{0};
  EXPECT_EQ(read(cache, 66, 8).value(), part(probe, 66, 8)) << "a failed read leaves nothing behind";
}

}  // namespace
}  // namespace lifeboat
