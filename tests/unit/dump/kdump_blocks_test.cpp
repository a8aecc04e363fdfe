// SPDX-License-Identifier: GPL-2.0-or-later
// A KDUMP file is read in blocks, which end anywhere: within a descriptor, within a page's data, at the end
// of the file.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/dump/kdump_reader.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::KdumpBuilder;
using test::noise;
using test::why;

constexpr uint64_t kFirst = 100, kPages = 800;
// The descriptor of this page lies across the end of the first block of 4 KiB of them.
constexpr uint64_t kAcross = kPageSize / sizeof(kdump::PageDescriptor);

std::vector<std::byte> contents(uint64_t index) {
  auto page = noise(static_cast<uint32_t>(index + 1), kPageSize);
  // Each compresses to another size.
  std::fill(page.begin() + static_cast<std::ptrdiff_t>(16 + index % 977), page.end(), std::byte{0});
  return page;
}

KdumpBuilder long_run() {
  KdumpBuilder builder(kFirst + kPages + 50);
  builder.ram(kFirst, kPages + 1);
  for (uint64_t index = 0; index < kPages; ++index)
    builder.page(kFirst + index, contents(index), Compression::zstd);
  return builder;
}

Result<std::unique_ptr<KdumpReader>> open(ByteSpan bytes) {
  return KdumpReader::open(memory_byte_source(bytes, "test.kdump"));
}

Result<std::vector<std::byte>> read(Dump& dump, uint64_t address, size_t size) {
  std::vector<std::byte> out(size);
  TRY_VOID(dump.read(address, out));
  return out;
}

uint64_t address_of(uint64_t index) {
  return (kFirst + index) * kPageSize;
}

TEST(KdumpBlocks, ALongReadGivesTheSameAsSmallOnes) {
  const auto bytes = long_run().build();
  const auto dump = open(bytes).value();
  const auto all = read(*dump, address_of(0), kPages * kPageSize);
  ASSERT_TRUE(all) << why(all);
  const auto other = open(bytes).value();
  for (uint64_t index = 0; index < kPages; ++index) {
    const auto expected = contents(index);
    const auto whole = ByteSpan(*all).subspan(index * kPageSize, kPageSize);
    ASSERT_TRUE(std::ranges::equal(whole, expected)) << index;
    const auto small = read(*other, address_of(index) + 8, 16);
    ASSERT_TRUE(small) << why(small);
    ASSERT_TRUE(std::ranges::equal(*small, ByteSpan(expected).subspan(8, 16))) << index;
  }
  // Now through the cache of pages.
  EXPECT_EQ(read(*other, address_of(kPages - 1), kPageSize).value(), contents(kPages - 1));
  EXPECT_EQ(code_of(read(*dump, address_of(kPages - 2), 3 * kPageSize)), ErrorCode::excluded);
}

TEST(KdumpBlocks, PagesAreFoundForwardsAndBackwards) {
  const auto dump = open(long_run().build()).value();
  for (uint64_t index = kPages; index-- > 0;)
    ASSERT_EQ(read(*dump, address_of(index), kPageSize).value(), contents(index)) << index;
  for (uint64_t index = 0; index < kPages; ++index) {
    const uint64_t any = index * 301 % kPages;
    ASSERT_EQ(read(*dump, address_of(any), kPageSize).value(), contents(any)) << any;
  }
}

TEST(KdumpBlocks, CutOffWithinADescriptorTheOnesBeforeAreThere) {
  const auto bytes = long_run().build();
  const uint64_t descriptors = long_run().layout().descriptors;
  for (const uint64_t cut : {kAcross * sizeof(kdump::PageDescriptor), kPageSize - 1, kPageSize, kPageSize + 1,
                             (kAcross + 1) * sizeof(kdump::PageDescriptor)}) {
    const auto dump = open(ByteSpan(bytes).first(descriptors + cut));
    ASSERT_TRUE(dump) << why(dump);
    EXPECT_TRUE((*dump)->info().incomplete);
    const uint64_t whole = cut / sizeof(kdump::PageDescriptor);
    // Their data is gone, but where it was is known.
    EXPECT_EQ(code_of((*dump)->descriptor(kFirst + whole - 1)), ErrorCode::lost);
    EXPECT_THAT((*dump)->descriptor(kFirst + whole - 1).error().message, testing::HasSubstr("data of page"));
    EXPECT_THAT((*dump)->descriptor(kFirst + whole).error().message,
                testing::HasSubstr("descriptor of page"));
  }
}

TEST(KdumpBlocks, CutOffWithinTheDataEachWholePageIsThere) {
  const auto bytes = long_run().build();
  const auto whole = open(bytes).value();
  for (const uint64_t index : {uint64_t{0}, uint64_t{1}, kAcross, kPages / 2, kPages - 1}) {
    const auto last = whole->descriptor(kFirst + index).value();
    const auto dump = open(ByteSpan(bytes).first(last.offset + last.size)).value();
    EXPECT_EQ(read(*dump, address_of(index), kPageSize).value(), contents(index)) << index;
    const auto shorter = open(ByteSpan(bytes).first(last.offset + last.size - 1)).value();
    EXPECT_EQ(code_of(read(*shorter, address_of(index), kPageSize)), ErrorCode::lost) << index;
    if (index > 0) {
      EXPECT_EQ(read(*shorter, address_of(index - 1), kPageSize).value(), contents(index - 1)) << index;
    }
  }
}

// Cut off by somebody else while it is read.
TEST(KdumpBlocks, AFileThatShrinksIsReadAsFarAsItGoes) {
  auto folder = TempDir::create("kdump-blocks");
  ASSERT_TRUE(folder) << why(folder);
  const std::string path = folder->path() / "dump";
  const auto bytes = long_run().build();
  ASSERT_TRUE(write_file_atomically(path, bytes, 0600));
  const auto dump =
      KdumpReader::open(open_byte_source(open_file(path, O_RDONLY).value(), path).value()).value();
  const uint64_t middle = kPages / 2;
  const auto last = dump->descriptor(kFirst + middle).value();
  ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(last.offset + last.size)), 0);
  for (uint64_t index = 0; index <= middle; ++index)
    ASSERT_EQ(read(*dump, address_of(index), kPageSize).value(), contents(index)) << index;
  EXPECT_FALSE(read(*dump, address_of(middle + 1), kPageSize));
  EXPECT_FALSE(read(*dump, address_of(kPages - 1), 8));
  EXPECT_EQ(read(*dump, address_of(middle), kPageSize).value(), contents(middle));
}

}  // namespace
}  // namespace lifeboat
