// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/kdump_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/dump/other_machine.h"
#include "tests/support/flattened_builder.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::KdumpBuilder;
using test::noise;
using test::patterned_page;
using test::why;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint64_t kMax = ~uint64_t{0};
constexpr uint64_t kMaxPfn = 1000;  // not a multiple of 8 pages
constexpr std::string_view kText = "OSRELEASE=6.1.0-test\n";

// One page of each kind. Page 17 is RAM that was left out; page 999 is the last of all.
KdumpBuilder valid() {
  KdumpBuilder builder(kMaxPfn);
  builder.vmcoreinfo(kText).cpu().cpu();
  builder.ram(16, 8).ram(992, 8);
  builder.page(16, noise(16, kPageSize)).zero_page(18);
  builder.page(19, patterned_page(19), Compression::zlib).page(20, patterned_page(20), Compression::lzo);
  builder.page(21, patterned_page(21), Compression::snappy).page(22, patterned_page(22), Compression::zstd);
  builder.lost_page(23).zero_page(993).page(999, patterned_page(999), Compression::zstd);
  return builder;
}

Result<std::unique_ptr<KdumpReader>> open(ByteSpan bytes) {
  return KdumpReader::open(memory_byte_source(bytes, "test.kdump"));
}

Result<std::vector<std::byte>> page_of(Dump& dump, uint64_t pfn) {
  std::vector<std::byte> out(kPageSize, std::byte{0xee});
  TRY_VOID(dump.read(pfn * kPageSize, out));
  return out;
}

TEST(KdumpReader, ReportsItsContents) {
  const auto dump = open(valid().build());
  ASSERT_TRUE(dump) << why(dump);
  const DumpInfo& info = (*dump)->info();
  EXPECT_EQ(info.format, DumpFormat::kdump);
  EXPECT_FALSE(info.incomplete);
  EXPECT_FALSE(info.split);
  EXPECT_FALSE(info.flattened);
  EXPECT_EQ(info.dump_level, 31);
  EXPECT_EQ(info.compression, Compression::zlib);
  EXPECT_EQ(info.max_pfn, kMaxPfn);
  EXPECT_EQ(info.ram_pages, 16u);
  EXPECT_EQ(info.stored_pages, 9u);
  EXPECT_EQ(info.timestamp, 1795423348u);
  EXPECT_EQ(info.cpus, 2);
  EXPECT_EQ(info.uts.release, "6.1.0-test");
  EXPECT_EQ(info.uts.machine, "x86_64");
  EXPECT_EQ(info.vmcoreinfo, kText);
  EXPECT_THAT((*dump)->ram(), ElementsAre(PhysicalRange{16 * kPageSize, 24 * kPageSize},
                                          PhysicalRange{992 * kPageSize, 1000 * kPageSize}));
}

TEST(KdumpReader, ReadsEveryKindOfPage) {
  const auto dump = open(valid().build()).value();
  EXPECT_EQ(page_of(*dump, 16).value(), noise(16, kPageSize));
  for (const uint64_t pfn : {18, 993})
    EXPECT_EQ(page_of(*dump, pfn).value(), std::vector<std::byte>(kPageSize)) << pfn;
  // Twice: the second time from the cache.
  for (const uint64_t pfn : {19, 20, 21, 22, 999, 19, 20, 21, 22, 999})
    EXPECT_EQ(page_of(*dump, pfn).value(), patterned_page(pfn)) << pfn;
  EXPECT_EQ(code_of(page_of(*dump, 23)), ErrorCode::lost);
  EXPECT_EQ(code_of(page_of(*dump, 17)), ErrorCode::excluded);
  for (const uint64_t pfn : {uint64_t{0}, uint64_t{15}, uint64_t{24}, kMaxPfn, kMax >> kPageShift})
    EXPECT_EQ(code_of(page_of(*dump, pfn)), ErrorCode::not_present) << pfn;
}

TEST(KdumpReader, ReadsPiecesAcrossPages) {
  const auto dump = open(valid().build()).value();
  std::vector<std::byte> out(16);
  ASSERT_TRUE(dump->read(20 * kPageSize - 8, out));
  EXPECT_TRUE(std::ranges::equal(ByteSpan(out).first(8), ByteSpan(patterned_page(19)).last(8)));
  EXPECT_TRUE(std::ranges::equal(ByteSpan(out).last(8), ByteSpan(patterned_page(20)).first(8)));
  EXPECT_EQ(code_of(dump->read(17 * kPageSize - 8, out)), ErrorCode::excluded);
  EXPECT_EQ(code_of(dump->read(kMax - 3, out)), ErrorCode::not_present);
}

TEST(KdumpReader, PageStatesFollowTheBitmaps) {
  const auto dump = open(valid().build()).value();
  EXPECT_EQ(dump->page_state(16), PageState::stored);
  EXPECT_EQ(dump->page_state(17), PageState::excluded);
  EXPECT_EQ(dump->page_state(23), PageState::stored) << "lost is found out by reading";
  EXPECT_EQ(dump->page_state(24), PageState::absent);
  EXPECT_EQ(dump->page_state(kMaxPfn), PageState::absent);
  EXPECT_EQ(dump->page_state(kMax), PageState::absent);
}

// More pages than the cache keeps, and more bitmap blocks than are kept.
TEST(KdumpReader, LargeFileIsReadInAnyOrder) {
  constexpr uint64_t kStep = 32768, kPages = 700;  // one stored page a bitmap block
  KdumpBuilder builder(kStep * kPages);
  for (uint64_t index = 0; index < kPages; ++index)
    builder.page(index * kStep, patterned_page(index), Compression::snappy);
  const auto dump = open(builder.build()).value();
  for (int round = 0; round < 2; ++round) {
    for (uint64_t index = 0; index < kPages; ++index)
      ASSERT_EQ(page_of(*dump, (index * 31 % kPages) * kStep).value(), patterned_page(index * 31 % kPages))
          << index;
  }
}

TEST(KdumpReader, BadPageDoesNotStayInTheCache) {
  auto builder = valid();
  builder.stored_as(19, noise(1, 100), kdump::kStatusZlib);
  const auto dump = open(builder.build()).value();
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(code_of(page_of(*dump, 19)), ErrorCode::corrupt);
    EXPECT_EQ(page_of(*dump, 20).value(), patterned_page(20));
  }
}

TEST(KdumpReader, BitsBeyondTheLastPageDoNotCount) {
  auto bytes = valid().build();
  const auto at = valid().layout();
  for (const uint64_t bitmap : {at.first_bitmap, at.second_bitmap})
    for (uint64_t byte = kMaxPfn / 8; byte < kPageSize; ++byte) bytes[bitmap + byte] = std::byte{0xff};
  const auto dump = open(bytes).value();
  EXPECT_EQ(dump->info().ram_pages, 16u);
  EXPECT_EQ(dump->info().stored_pages, 9u);
  EXPECT_EQ(page_of(*dump, 999).value(), patterned_page(999));
}

TEST(KdumpReader, FlattenedReadsTheSame) {
  const auto flat =
      test::FlattenedBuilder().file(valid().build(), 1000, test::FlattenedBuilder::Order::shuffled).build();
  const auto dump = Dump::open(memory_byte_source(flat, "flat"));
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_TRUE((*dump)->info().flattened);
  EXPECT_FALSE((*dump)->info().incomplete);
  EXPECT_EQ(page_of(**dump, 22).value(), patterned_page(22));
  const auto cut = Dump::open(memory_byte_source(ByteSpan(flat).first(flat.size() - 16), "flat"));
  ASSERT_TRUE(cut) << why(cut);
  EXPECT_TRUE((*cut)->info().incomplete) << "without its end mark";
}

TEST(KdumpReader, PartOfASplitDumpKnowsItsOwnPages) {
  // Descriptors of pages 20 to 22 only, all bits set.
  auto builder = valid();
  builder.patch_sub_header([](kdump::SubHeader& sub) {
    sub.split = 1;
    sub.start_pfn_64 = 20;
    sub.end_pfn_64 = 23;
  });
  auto bytes = builder.build();
  const uint64_t descriptors = builder.layout().descriptors;
  std::memmove(bytes.data() + descriptors, bytes.data() + descriptors + 3 * sizeof(kdump::PageDescriptor),
               3 * sizeof(kdump::PageDescriptor));
  const auto dump = open(bytes);
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_TRUE((*dump)->info().split);
  for (const uint64_t pfn : {20, 21, 22}) EXPECT_EQ(page_of(**dump, pfn).value(), patterned_page(pfn)) << pfn;
  for (const uint64_t pfn : {19, 23, 999}) EXPECT_EQ(code_of(page_of(**dump, pfn)), ErrorCode::lost) << pfn;
  EXPECT_EQ(code_of(page_of(**dump, 17)), ErrorCode::excluded);
}

// --- One field of the headers made a lie.

struct HeaderCase {
  const char* name;
  void (*patch)(kdump::Header&);
  ErrorCode code;
};
class KdumpHeader : public testing::TestWithParam<HeaderCase> {};

TEST_P(KdumpHeader, WrongFieldIsRejected) {
  const auto dump = open(valid().patch_header(GetParam().patch).build());
  EXPECT_EQ(code_of(dump), GetParam().code) << why(dump);
}

// Its memory cannot be understood, its container can be read.
TEST(KdumpReader, OfAnotherArchitectureIsReadAndReportsWhatItKnows) {
  auto builder = valid().machine("aarch64").patch_header([](kdump::Header& header) {
    header.uts[2] = {};
    std::ranges::copy(std::string_view("6.1.0-arm64"), header.uts[2].begin());
    header.timestamp_seconds = 1795423348;
  });
  const auto dump = open(builder.build());
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_EQ((*dump)->info().machine, "aarch64");
  EXPECT_EQ(page_of(**dump, 20).value(), patterned_page(20));
  const Error error = other_machine((*dump)->info(), "test.kdump");
  EXPECT_EQ(error.code, ErrorCode::unsupported);
  EXPECT_THAT(error.message, HasSubstr("test.kdump"));
  EXPECT_THAT(error.message, HasSubstr("(aarch64)"));
  EXPECT_THAT(error.message, HasSubstr("its kernel is 6.1.0-arm64, which crashed at 2026-11-23T08:42:28Z"));
}

INSTANTIATE_TEST_SUITE_P(
    OneField, KdumpHeader,
    testing::Values(
        HeaderCase{"signature", [](kdump::Header& h) { h.signature[5] = 'X'; }, ErrorCode::unsupported},
        HeaderCase{"version_0", [](kdump::Header& h) { h.version = 0; }, ErrorCode::unsupported},
        HeaderCase{"version_7", [](kdump::Header& h) { h.version = 7; }, ErrorCode::unsupported},
        HeaderCase{"version_negative", [](kdump::Header& h) { h.version = -1; }, ErrorCode::unsupported},
        HeaderCase{"big_endian", [](kdump::Header& h) { h.version = swap_bytes(h.version); },
                   ErrorCode::unsupported},
        HeaderCase{"i686", [](kdump::Header& h) { h.uts[4] = {'i', '6', '8', '6'}; }, ErrorCode::unsupported},
        HeaderCase{"armv7l", [](kdump::Header& h) { h.uts[4] = {'a', 'r', 'm', 'v', '7', 'l'}; },
                   ErrorCode::unsupported},
        HeaderCase{"block_size_0", [](kdump::Header& h) { h.block_size = 0; }, ErrorCode::unsupported},
        HeaderCase{"block_size_1", [](kdump::Header& h) { h.block_size = 1; }, ErrorCode::unsupported},
        HeaderCase{"block_size_3000", [](kdump::Header& h) { h.block_size = 3000; }, ErrorCode::unsupported},
        HeaderCase{"block_size_8K", [](kdump::Header& h) { h.block_size = 8192; }, ErrorCode::unsupported},
        HeaderCase{"block_size_128K", [](kdump::Header& h) { h.block_size = 131072; },
                   ErrorCode::unsupported},
        HeaderCase{"block_size_most", [](kdump::Header& h) { h.block_size = 0x7fffffff; },
                   ErrorCode::unsupported},
        // Sizes that exist, but the file is laid out for another.
        HeaderCase{"block_size_16K", [](kdump::Header& h) { h.block_size = 16384; }, ErrorCode::corrupt},
        HeaderCase{"block_size_64K", [](kdump::Header& h) { h.block_size = 65536; }, ErrorCode::truncated},
        HeaderCase{"block_size_negative", [](kdump::Header& h) { h.block_size = -4096; },
                   ErrorCode::unsupported},
        HeaderCase{"sub_header_0", [](kdump::Header& h) { h.sub_header_blocks = 0; }, ErrorCode::corrupt},
        HeaderCase{"sub_header_negative", [](kdump::Header& h) { h.sub_header_blocks = -1; },
                   ErrorCode::corrupt},
        HeaderCase{"sub_header_most", [](kdump::Header& h) { h.sub_header_blocks = 0x7fffffff; },
                   ErrorCode::corrupt},
        HeaderCase{"sub_header_beyond_the_file", [](kdump::Header& h) { h.sub_header_blocks = 1000; },
                   ErrorCode::truncated},
        HeaderCase{"bitmap_0", [](kdump::Header& h) { h.bitmap_blocks = 0; }, ErrorCode::corrupt},
        HeaderCase{"bitmap_most", [](kdump::Header& h) { h.bitmap_blocks = 0xffffffff; },
                   ErrorCode::truncated},
        HeaderCase{"bitmap_beyond_the_file", [](kdump::Header& h) { h.bitmap_blocks = 1000; },
                   ErrorCode::truncated}),
    [](const auto& which) { return std::string(which.param.name); });

struct SubHeaderCase {
  const char* name;
  void (*patch)(kdump::SubHeader&);
  ErrorCode code;
};
class KdumpSubHeader : public testing::TestWithParam<SubHeaderCase> {};

TEST_P(KdumpSubHeader, WrongFieldIsRejected) {
  EXPECT_EQ(code_of(open(valid().patch_sub_header(GetParam().patch).build())), GetParam().code);
}

void set_split(kdump::SubHeader& sub, uint64_t start, uint64_t end) {
  sub.split = 1;
  sub.start_pfn_64 = start;
  sub.end_pfn_64 = end;
}

INSTANTIATE_TEST_SUITE_P(
    OneField, KdumpSubHeader,
    testing::Values(
        SubHeaderCase{"no_pages", [](kdump::SubHeader& s) { s.max_mapnr_64 = 0; }, ErrorCode::corrupt},
        SubHeaderCase{"pages_most", [](kdump::SubHeader& s) { s.max_mapnr_64 = kMax; }, ErrorCode::corrupt},
        SubHeaderCase{"pages_one_more_than_bits",
                      [](kdump::SubHeader& s) { s.max_mapnr_64 = 8 * kPageSize + 1; }, ErrorCode::corrupt},
        SubHeaderCase{"notes_size_most", [](kdump::SubHeader& s) { s.size_note = kMax; }, ErrorCode::corrupt},
        SubHeaderCase{"notes_size_100M", [](kdump::SubHeader& s) { s.size_note = 100 << 20; },
                      ErrorCode::truncated},
        SubHeaderCase{"notes_offset_most", [](kdump::SubHeader& s) { s.offset_note = kMax; },
                      ErrorCode::truncated},
        SubHeaderCase{"vmcoreinfo_size_most", [](kdump::SubHeader& s) { s.size_vmcoreinfo = kMax; },
                      ErrorCode::corrupt},
        SubHeaderCase{"vmcoreinfo_size_1M", [](kdump::SubHeader& s) { s.size_vmcoreinfo = 1 << 20; },
                      ErrorCode::truncated},
        SubHeaderCase{"vmcoreinfo_offset_wraps", [](kdump::SubHeader& s) { s.offset_vmcoreinfo = kMax - 4; },
                      ErrorCode::truncated},
        SubHeaderCase{"split_backwards", [](kdump::SubHeader& s) { set_split(s, 20, 10); },
                      ErrorCode::corrupt},
        SubHeaderCase{"split_beyond", [](kdump::SubHeader& s) { set_split(s, kMaxPfn, kMax); },
                      ErrorCode::corrupt},
        SubHeaderCase{"split_most", [](kdump::SubHeader& s) { set_split(s, kMax, kMax); },
                      ErrorCode::corrupt}),
    [](const auto& which) { return std::string(which.param.name); });

// --- One field of a descriptor made a lie: only that page suffers.

struct DescriptorCase {
  const char* name;
  void (*patch)(kdump::PageDescriptor&);
  ErrorCode code;
};
class KdumpDescriptor : public testing::TestWithParam<DescriptorCase> {};

TEST_P(KdumpDescriptor, WrongFieldCostsThatPageOnly) {
  const auto dump = open(valid().patch_descriptor(20, GetParam().patch).build());
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_EQ(code_of(page_of(**dump, 20)), GetParam().code);
  EXPECT_EQ(page_of(**dump, 19).value(), patterned_page(19));
  EXPECT_EQ(page_of(**dump, 21).value(), patterned_page(21));
}

INSTANTIATE_TEST_SUITE_P(
    OneField, KdumpDescriptor,
    testing::Values(
        DescriptorCase{"offset_0", [](kdump::PageDescriptor& d) { d.offset = 0; }, ErrorCode::lost},
        DescriptorCase{"offset_in_the_header", [](kdump::PageDescriptor& d) { d.offset = 1; },
                       ErrorCode::corrupt},
        DescriptorCase{"offset_beyond", [](kdump::PageDescriptor& d) { d.offset += 1 << 30; },
                       ErrorCode::lost},
        DescriptorCase{"offset_most", [](kdump::PageDescriptor& d) { d.offset = kMax; }, ErrorCode::lost},
        DescriptorCase{"offset_wraps", [](kdump::PageDescriptor& d) { d.offset = kMax - d.size + 2; },
                       ErrorCode::lost},
        DescriptorCase{"size_0", [](kdump::PageDescriptor& d) { d.size = 0; }, ErrorCode::corrupt},
        DescriptorCase{"size_one_less", [](kdump::PageDescriptor& d) { --d.size; }, ErrorCode::corrupt},
        DescriptorCase{"size_beyond_a_page", [](kdump::PageDescriptor& d) { d.size = kPageSize + 1; },
                       ErrorCode::corrupt},
        DescriptorCase{"size_most", [](kdump::PageDescriptor& d) { d.size = 0xffffffff; },
                       ErrorCode::corrupt},
        DescriptorCase{"raw_but_small", [](kdump::PageDescriptor& d) { d.flags = 0; }, ErrorCode::corrupt},
        DescriptorCase{"another_codec", [](kdump::PageDescriptor& d) { d.flags = kdump::kStatusZstd; },
                       ErrorCode::corrupt},
        DescriptorCase{"two_codecs", [](kdump::PageDescriptor& d) { d.flags = 3; }, ErrorCode::corrupt},
        DescriptorCase{"unknown_codec", [](kdump::PageDescriptor& d) { d.flags = 0x80000000; },
                       ErrorCode::corrupt}),
    [](const auto& which) { return std::string(which.param.name); });

TEST(KdumpReader, DescriptorOfAPublicCallerIsCheckedToo) {
  const auto dump = open(valid().build()).value();
  std::vector<std::byte> page(kPageSize);
  EXPECT_EQ(code_of(dump->decompress({dump->data_offset(), 0xffffffff, 0, 0}, page)), ErrorCode::corrupt);
  EXPECT_EQ(code_of(dump->decompress({kMax, kPageSize, 0, 0}, page)), ErrorCode::truncated);
}

// --- Cut off.

TEST(KdumpReader, CutOffWithinItsHeaderIsTruncated) {
  const auto bytes = valid().build();
  const auto dump = open(ByteSpan(bytes).first(34));
  EXPECT_EQ(code_of(dump), ErrorCode::truncated);
  EXPECT_THAT(why(dump), HasSubstr("test.kdump is cut off: 34 bytes"));
}

TEST(KdumpReader, CutOffBeforeItsDescriptorsIsTruncated) {
  const auto bytes = valid().build();
  const auto at = valid().layout();
  for (const uint64_t size :
       {uint64_t{0}, uint64_t{8}, uint64_t{463}, uint64_t{464}, kPageSize, kPageSize + 103, kPageSize + 104,
        at.first_bitmap, at.second_bitmap, at.descriptors - 1}) {
    EXPECT_EQ(code_of(open(ByteSpan(bytes).first(size))), ErrorCode::truncated) << size;
  }
}

TEST(KdumpReader, CutOffBehindIsReadAsFarAsItGoes) {
  const auto bytes = valid().build();
  const auto at = valid().layout();
  const auto in_descriptors = open(ByteSpan(bytes).first(at.descriptors + 30)).value();
  EXPECT_TRUE(in_descriptors->info().incomplete);
  for (const uint64_t pfn : {16, 18, 999})
    EXPECT_EQ(code_of(page_of(*in_descriptors, pfn)), ErrorCode::lost) << pfn;
  for (uint64_t size = at.data; size < at.end; size += 61) {
    const auto dump = open(ByteSpan(bytes).first(size));
    ASSERT_TRUE(dump) << size << ' ' << why(dump);
    EXPECT_EQ(code_of(page_of(**dump, 999)), ErrorCode::lost) << size;
    const auto zero = page_of(**dump, 18);
    EXPECT_EQ(code_of(zero), size >= at.data + kPageSize ? std::nullopt : std::optional(ErrorCode::lost))
        << size;
  }
}

TEST(KdumpReader, MarkedIncompleteIsReadable) {
  const auto dump =
      open(valid().patch_header([](kdump::Header& h) { h.status |= kdump::kStatusIncomplete; }).build())
          .value();
  EXPECT_TRUE(dump->info().incomplete);
  EXPECT_EQ(page_of(*dump, 22).value(), patterned_page(22));
}

// The logical file is petabytes of hole, the real one a few records.
TEST(KdumpReader, BitmapsInAHoleAreNotWalkedOver) {
  const auto bytes = valid()
                         .patch_header([](kdump::Header& h) { h.bitmap_blocks = 0xfffffffe; })
                         .patch_sub_header([](kdump::SubHeader& s) { s.max_mapnr_64 = uint64_t{1} << 44; })
                         .build();
  const auto flat =
      test::FlattenedBuilder().record(0, bytes).record(uint64_t{1} << 52, as_byte_span("end")).build();
  EXPECT_EQ(code_of(Dump::open(memory_byte_source(flat, "flat"))), ErrorCode::truncated);
}

TEST(KdumpReader, MemoryInTooManyPiecesIsCorrupt) {
  constexpr uint64_t kPages = uint64_t{1} << 23;
  KdumpBuilder builder(kPages);
  auto bytes = builder.build();
  std::ranges::fill(MutableByteSpan(bytes).subspan(builder.layout().first_bitmap, kPages / 8),
                    std::byte{0x55});
  EXPECT_EQ(code_of(open(bytes)), ErrorCode::corrupt);
}

}  // namespace
}  // namespace lifeboat
