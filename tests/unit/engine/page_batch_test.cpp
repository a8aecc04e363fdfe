// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/page_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "capture/engine/wide_hash.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::noise;
using test::patterned_page;
using testing::HasSubstr;
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

// A preparer and what it needs. 1 MiB remembers all pages of a test.
struct Stage {
  explicit Stage(PhysicalMemory& source, Compression compression = Compression::none,
                 size_t memory = size_t{1} << 20)
      : shared(memory),
        preparer(source,
                 compression == Compression::none ? nullptr : PageCompressor::create(compression).value(),
                 shared, PageSize()) {}
  SharedPages shared;
  BatchPreparer preparer;
};

TEST(BatchPreparer, NeighboursComeWithOneRead) {
  Pages memory;
  for (uint64_t pfn = 0; pfn < 20; ++pfn) memory.put(pfn, patterned_page(pfn));
  Stage stage(memory);
  auto batch = batch_of({1, 2, 3, 7, 9, 10});
  ASSERT_TRUE(stage.preparer.prepare(batch));
  EXPECT_EQ(stage.preparer.statistics().lost_pages, 0u);
  EXPECT_EQ(memory.reads(), 3);
  EXPECT_EQ(stage.preparer.statistics().first_error, "");
  for (size_t index = 0; index < batch.pages.size(); ++index)
    EXPECT_TRUE(std::ranges::equal(batch.raw_page(index), patterned_page(batch.pages[index].pfn))) << index;
}

TEST(BatchPreparer, BadPageCostsNoneOfItsNeighbours) {
  Pages memory;
  for (const uint64_t pfn : {1, 2, 4, 6}) memory.put(pfn, patterned_page(pfn));
  Stage stage(memory);
  auto batch = batch_of({1, 2, 3, 4, 5, 6});
  ASSERT_TRUE(stage.preparer.prepare(batch));
  EXPECT_EQ(stage.preparer.statistics().lost_pages, 2u);
  EXPECT_THAT(stage.preparer.statistics().first_error, HasSubstr("page 0x3 is bad")) << "the first reason";
  for (size_t index = 0; index < batch.pages.size(); ++index) {
    const uint64_t pfn = batch.pages[index].pfn;
    const bool lost = pfn == 3 || pfn == 5;
    EXPECT_EQ(batch.pages[index].kind, lost ? Kind::lost : Kind::data) << pfn;
    if (!lost) {
      EXPECT_TRUE(std::ranges::equal(batch.raw_page(index), patterned_page(pfn))) << pfn;
    }
  }
}

TEST(BatchPreparer, DistinguishesZeroPackedAndRaw) {
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
  Stage stage(memory, Compression::zstd);
  auto batch = batch_of({0, 1, 2, 3, 4});
  ASSERT_TRUE(stage.preparer.prepare(batch));
  EXPECT_EQ(batch.pages[0].kind, Kind::zero);
  EXPECT_EQ(stage.preparer.statistics().zero_pages, 1u);
  EXPECT_FALSE(batch.pages[3].packed) << "noise is stored raw";
  EXPECT_EQ(batch.contents(3).data(), batch.raw_page(3).data());
  PageDecompressor decompressor;
  std::vector<std::byte> out(kPageSize);
  for (const size_t index : {1, 2, 4}) {
    EXPECT_EQ(batch.pages[index].kind, Kind::data);
    ASSERT_TRUE(batch.pages[index].packed);
    ASSERT_TRUE(decompressor.decompress(Compression::zstd, batch.contents(index), out));
    EXPECT_TRUE(std::ranges::equal(out, batch.raw_page(index))) << index;
  }
}

TEST(BatchPreparer, WithoutACodecOnlyZeroPagesAreFound) {
  Pages memory;
  memory.put(0, std::vector<std::byte>(kPageSize));
  memory.put(1, patterned_page(1));
  Stage stage(memory);
  auto batch = batch_of({0, 1, 2});
  ASSERT_TRUE(stage.preparer.prepare(batch));
  EXPECT_EQ(batch.pages[0].kind, Kind::zero);
  EXPECT_EQ(batch.pages[1].kind, Kind::data);
  EXPECT_FALSE(batch.pages[1].packed);
  EXPECT_EQ(batch.pages[2].kind, Kind::lost);
}

class SharedContents : public testing::Test {
 protected:
  SharedContents() {
    for (uint64_t pfn = 0; pfn < 4; ++pfn) memory_.put(pfn, patterned_page(pfn % 2));
  }
  static StoredCopy copy(uint64_t hash, uint64_t pfn) {
    return {.hash = hash, .pfn = pfn, .descriptor = {1000 + pfn, 77, 0, 0}};
  }
  Pages memory_;
  Stage stage_{memory_};
};

TEST_F(SharedContents, APageThatIsInTheFileIsFound) {
  stage_.shared.access().add(copy(page_hash()(patterned_page(1)), 1));
  auto batch = batch_of({0, 3});
  ASSERT_TRUE(stage_.preparer.prepare(batch));
  EXPECT_EQ(batch.pages[0].kind, Kind::data);
  EXPECT_EQ(batch.pages[1].kind, Kind::copied);
  EXPECT_EQ(batch.pages[1].descriptor.offset, 1001u);
  EXPECT_EQ(batch.pages[1].descriptor.size, 77u);
  EXPECT_EQ(stage_.preparer.statistics().shared_pages, 1u);
}

TEST_F(SharedContents, TheSameHashOfOtherContentsIsNoCopy) {
  stage_.shared.access().add(copy(page_hash()(patterned_page(1)), 0));
  auto batch = batch_of({3});
  ASSERT_TRUE(stage_.preparer.prepare(batch));
  EXPECT_EQ(batch.pages[0].kind, Kind::data);
}

TEST_F(SharedContents, WhatCannotBeComparedIsNoCopy) {
  stage_.shared.access().add(copy(page_hash()(patterned_page(1)), 99));
  auto batch = batch_of({3});
  ASSERT_TRUE(stage_.preparer.prepare(batch));
  EXPECT_EQ(batch.pages[0].kind, Kind::data);
}

TEST(SharedPages, RemembersTheNewest) {
  // One set of four.
  SharedPages pages(4 * sizeof(StoredCopy));
  auto access = pages.access();
  for (uint64_t hash = 1; hash <= 5; ++hash)
    access.add({.hash = hash, .pfn = hash, .descriptor = {1, 1, 0, 0}});
  EXPECT_EQ(access.find(1), nullptr);
  for (uint64_t hash = 2; hash <= 5; ++hash) {
    ASSERT_NE(access.find(hash), nullptr) << hash;
    EXPECT_EQ(access.find(hash)->pfn, hash);
  }
  EXPECT_EQ(access.find(0), nullptr) << "of an entry that is not used";
}

TEST(SharedPages, WithoutMemoryNothingIsRemembered) {
  SharedPages pages(10);
  EXPECT_TRUE(pages.empty());
  auto access = pages.access();
  access.add({.hash = 1, .pfn = 1, .descriptor = {1, 1, 0, 0}});
  EXPECT_EQ(access.find(1), nullptr);
}

TEST(PageHash, IsTheSameInAllInstructions) {
  const PageHash wide = wide_page_hash();
  if (wide == nullptr) GTEST_SKIP() << "this processor has no wider instructions";
  for (const size_t size : {4096, 16384, 65536, 100}) {
    const auto bytes = noise(size, size);
    EXPECT_EQ(wide(bytes), usual_page_hash()(bytes)) << size;
  }
}

}  // namespace
}  // namespace lifeboat
