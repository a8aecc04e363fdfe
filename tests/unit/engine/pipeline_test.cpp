// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/pipeline.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::noise;
using test::patterned_page;
using Kind = PageBatch::Kind;

// Pages by number; what is not there cannot be read, and a read that touches it fails as a whole.
class Pages final : public PhysicalMemory {
 public:
  void put(uint64_t pfn, std::vector<std::byte> page) { pages_[pfn] = std::move(page); }
  Result<> read(uint64_t physical_address, MutableByteSpan out) override {
    ++reads_;
    for (uint64_t at = 0; at < out.size(); at += kPageSize) {
      const auto found = pages_.find((physical_address + at) / kPageSize);
      if (found == pages_.end())
        return fail(ErrorCode::io, "page {:#x} is bad", (physical_address + at) / kPageSize);
      std::ranges::copy(found->second, out.begin() + static_cast<ptrdiff_t>(at));
    }
    return {};
  }
  [[nodiscard]] int reads() const { return reads_; }

 private:
  std::map<uint64_t, std::vector<std::byte>> pages_;
  int reads_ = 0;
};

PageBatch batch_of(std::initializer_list<uint64_t> pfns) {
  PageBatch batch{PageSize()};
  for (const uint64_t pfn : pfns) batch.pages.push_back({.pfn = pfn});
  return batch;
}

TEST(ReadBatch, NeighboursComeWithOneRead) {
  Pages memory;
  for (uint64_t pfn = 0; pfn < 20; ++pfn) memory.put(pfn, patterned_page(pfn));
  auto batch = batch_of({1, 2, 3, 7, 9, 10});
  std::string error;
  EXPECT_EQ(read_batch(memory, batch, error), 0u);
  EXPECT_EQ(memory.reads(), 3);
  EXPECT_EQ(error, "");
  for (size_t index = 0; index < batch.pages.size(); ++index)
    EXPECT_TRUE(std::ranges::equal(batch.raw_page(index), patterned_page(batch.pages[index].pfn))) << index;
}

TEST(ReadBatch, BadPageCostsNoneOfItsNeighbours) {
  Pages memory;
  for (const uint64_t pfn : {1, 2, 4, 6}) memory.put(pfn, patterned_page(pfn));
  auto batch = batch_of({1, 2, 3, 4, 5, 6});
  std::string error;
  EXPECT_EQ(read_batch(memory, batch, error), 2u);
  EXPECT_NE(error.find("page 0x3 is bad"), std::string::npos) << "the first reason";
  for (size_t index = 0; index < batch.pages.size(); ++index) {
    const uint64_t pfn = batch.pages[index].pfn;
    const bool lost = pfn == 3 || pfn == 5;
    EXPECT_EQ(batch.pages[index].kind, lost ? Kind::lost : Kind::data) << pfn;
    if (!lost) {
      EXPECT_TRUE(std::ranges::equal(batch.raw_page(index), patterned_page(pfn))) << pfn;
    }
  }
}

TEST(ReadBatch, FirstReasonIsKept) {
  Pages memory;
  auto batch = batch_of({1});
  std::string error = "an older one";
  EXPECT_EQ(read_batch(memory, batch, error), 1u);
  EXPECT_EQ(error, "an older one");
}

TEST(CompressBatch, DistinguishesZeroPackedAndRaw) {
  Pages memory;
  auto almost_zero = std::vector<std::byte>(kPageSize);
  almost_zero.back() = std::byte{1};
  auto first_word = std::vector<std::byte>(kPageSize);
  first_word[0] = std::byte{1};
  memory.put(0, std::vector<std::byte>(kPageSize));
  memory.put(1, almost_zero);
  memory.put(2, first_word);
  memory.put(3, noise(3, kPageSize));
  memory.put(4, patterned_page(4));
  auto batch = batch_of({0, 1, 2, 3, 4});
  std::string error;
  ASSERT_EQ(read_batch(memory, batch, error), 0u);
  const auto compressor = PageCompressor::create(Compression::zstd).value();
  ASSERT_TRUE(compress_batch(batch, compressor.get()));
  EXPECT_EQ(batch.pages[0].kind, Kind::zero);
  EXPECT_EQ(batch.pages[3].packed_size, 0u) << "noise is stored raw";
  PageDecompressor decompressor;
  std::vector<std::byte> out(kPageSize);
  for (const size_t index : {1, 2, 4}) {
    const auto& page = batch.pages[index];
    EXPECT_EQ(page.kind, Kind::data);
    ASSERT_GT(page.packed_size, 0u);
    const ByteSpan packed = ByteSpan(batch.packed).subspan(page.packed_offset, page.packed_size);
    ASSERT_TRUE(decompressor.decompress(Compression::zstd, packed, out));
    EXPECT_TRUE(std::ranges::equal(out, batch.raw_page(index))) << index;
  }
}

TEST(CompressBatch, WithoutACodecOnlyZeroPagesAreFound) {
  Pages memory;
  memory.put(0, std::vector<std::byte>(kPageSize));
  memory.put(1, patterned_page(1));
  auto batch = batch_of({0, 1, 2});
  std::string error;
  ASSERT_EQ(read_batch(memory, batch, error), 1u);
  ASSERT_TRUE(compress_batch(batch, nullptr));
  EXPECT_EQ(batch.pages[0].kind, Kind::zero);
  EXPECT_EQ(batch.pages[1].kind, Kind::data);
  EXPECT_EQ(batch.pages[1].packed_size, 0u);
  EXPECT_EQ(batch.pages[2].kind, Kind::lost);
}

}  // namespace
}  // namespace lifeboat
