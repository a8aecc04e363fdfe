// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "src/dump/byte_source.h"
#include "tests/support/elf_builder.h"
#include "tests/support/flattened_builder.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::ElfBuilder;
using test::KdumpBuilder;
using test::noise;
using test::patterned_page;
using test::patterned_pages;
using testing::HasSubstr;
using testing::IsEmpty;

KdumpBuilder valid() {
  KdumpBuilder builder(64);
  builder.ram(0, 64);
  for (uint64_t pfn = 0; pfn < 10; ++pfn) builder.page(pfn, patterned_page(pfn), Compression::zlib);
  return builder.zero_page(10).zero_page(11).page(12, noise(12, kPageSize));
}

VerifyReport verify(ByteSpan bytes) {
  const auto dump = Dump::open(memory_byte_source(bytes, "test")).value();
  return verify_dump(*dump, "test", no_progress());
}

TEST(Verify, WholeDumpIsWhole) {
  const auto report = verify(valid().build());
  EXPECT_TRUE(report.whole);
  EXPECT_EQ(report.pages_checked, 13u);
  EXPECT_EQ(report.pages_lost, 0u);
  EXPECT_EQ(report.pages_damaged, 0u);
  EXPECT_THAT(report.findings, IsEmpty());
}

// One bit of the second bitmap, and every page behind it has another's descriptor.
TEST(Verify, WrongCountInTheBitmapIsNoticed) {
  const uint64_t bitmap = valid().layout().second_bitmap;
  for (const unsigned flipped : {0x01u, 0x10u, 0x80u}) {
    auto bytes = valid().build();
    bytes.at(bitmap) ^= static_cast<std::byte>(flipped);
    const auto report = verify(bytes);
    EXPECT_FALSE(report.whole) << flipped;
    EXPECT_FALSE(report.consistent) << flipped;
    EXPECT_THAT(report.findings, testing::Contains(HasSubstr("second bitmap")));
  }
  auto bytes = valid().build();
  bytes.at(bitmap + 4) ^= std::byte{1};  // a page that the file does not have
  EXPECT_FALSE(verify(bytes).whole);
}

TEST(Verify, FlattenedDumpIsWhole) {
  EXPECT_TRUE(verify(test::FlattenedBuilder().file(valid().build(), 999).build()).whole);
  EXPECT_FALSE(verify(test::FlattenedBuilder().file(valid().build(), 999).without_end().build()).whole);
}

TEST(Verify, EveryKindOfDamageIsCounted) {
  auto builder = valid();
  builder.lost_page(20).stored_as(21, noise(1, 100), kdump::kStatusLzo);
  builder.patch_descriptor(3, [](kdump::PageDescriptor& d) { d.size = 5000; });
  builder.patch_descriptor(4, [](kdump::PageDescriptor& d) { d.offset = 1 << 30; });
  const auto report = verify(builder.build());
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.pages_checked, 15u);
  EXPECT_EQ(report.pages_lost, 2u);
  EXPECT_EQ(report.pages_damaged, 2u);
  ASSERT_EQ(report.findings.size(), 4u);
  EXPECT_THAT(report.findings[0], HasSubstr("page 0x3"));
  EXPECT_THAT(report.findings[3], HasSubstr("page 0x15"));
}

TEST(Verify, MarkAloneMakesItNotWhole) {
  const auto report =
      verify(valid().patch_header([](kdump::Header& h) { h.status |= kdump::kStatusIncomplete; }).build());
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.pages_lost + report.pages_damaged, 0u);
  EXPECT_THAT(report.findings, testing::ElementsAre(HasSubstr("incomplete")));
}

TEST(Verify, ManyFindingsAreCountedNotListed) {
  KdumpBuilder builder(100);
  for (uint64_t pfn = 0; pfn < 100; ++pfn) builder.lost_page(pfn);
  const auto report = verify(builder.build());
  EXPECT_EQ(report.pages_lost, 100u);
  EXPECT_EQ(report.findings.size() + report.more_findings, 100u);
  EXPECT_LT(report.findings.size(), 50u);
}

// Zero pages share a place; another page that claims it with another size is still looked at.
TEST(Verify, SharedPlaceIsCheckedForEachWayOfReadingIt) {
  auto builder = valid();
  builder.patch_descriptor(12, [place = builder.layout().data](kdump::PageDescriptor& d) {
    d = {place, 100, kdump::kStatusZstd, 0};
  });
  EXPECT_EQ(verify(builder.build()).pages_damaged, 1u);
}

TEST(Verify, SplitPartIsCheckedForItsOwnPages) {
  auto builder = valid();
  builder.patch_sub_header([](kdump::SubHeader& sub) {
    sub.split = 1;
    sub.start_pfn_64 = 0;
    sub.end_pfn_64 = 5;
  });
  const auto report = verify(builder.build());
  EXPECT_TRUE(report.whole);
  EXPECT_EQ(report.pages_checked, 5u);
}

// As the last part of makedumpfile --split may be.
TEST(Verify, SplitPartWithoutPagesIsWhole) {
  auto builder = valid();
  builder.patch_sub_header([](kdump::SubHeader& sub) {
    sub.split = 1;
    sub.start_pfn_64 = sub.end_pfn_64 = sub.max_mapnr_64;
  });
  const auto report = verify(builder.build());
  EXPECT_TRUE(report.whole);
  EXPECT_EQ(report.pages_checked, 0u);
}

// One flipped bit makes a part of any dump, whose sub header has no pages for one.
TEST(Verify, SplitPartThatCanHoldNoPagesIsRefused) {
  for (const auto& [start, end] : {std::pair<uint64_t, uint64_t>{0, 0}, {4, 4}, {5, 4}}) {
    auto builder = valid();
    builder.patch_sub_header([start, end](kdump::SubHeader& sub) {
      sub.split = 1;
      sub.start_pfn_64 = start;
      sub.end_pfn_64 = end;
    });
    EXPECT_EQ(code_of(Dump::open(memory_byte_source(builder.build(), "test"))), ErrorCode::corrupt) << start;
  }
}

TEST(Verify, ElfWithoutContentsIsNotWhole) {
  const auto report = verify(ElfBuilder().load(0, {}, 16 * kPageSize).build());
  EXPECT_FALSE(report.whole);
  EXPECT_FALSE(report.consistent);
}

TEST(Verify, CutOffElfLosesPages) {
  const auto bytes = ElfBuilder().load(0x100000, patterned_pages(0, 600), 700 * kPageSize).build();
  const auto whole = verify(bytes);
  EXPECT_TRUE(whole.whole);
  EXPECT_EQ(whole.pages_checked, 700u);
  const auto cut = verify(ByteSpan(bytes).first(bytes.size() - 10 * kPageSize - 1));
  EXPECT_FALSE(cut.whole);
  EXPECT_EQ(cut.pages_checked, 700u);
  EXPECT_EQ(cut.pages_lost, 11u);
}

// Four petabytes in one header; reading them would take days.
TEST(Verify, ClaimedMemoryWithNothingInTheFileIsNotRead) {
  const auto bytes = ElfBuilder().load(0, patterned_page(1), uint64_t{1} << 52).build();
  const auto report = verify(bytes);
  EXPECT_TRUE(report.whole);
  EXPECT_EQ(report.pages_checked, uint64_t{1} << 40);
}

TEST(Verify, MemoryBeyondTheEndOfTheFileIsCountedNotRead) {
  auto builder = ElfBuilder().load(kPageSize, patterned_page(1), uint64_t{1} << 51);
  builder.patch_segment(0, [](Elf64_Phdr& segment) { segment.p_filesz = uint64_t{1} << 50; });
  const auto report = verify(builder.build());
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.pages_lost, (uint64_t{1} << 38) - 1);
  EXPECT_EQ(report.pages_damaged, 0u);
}

class VerifyFile : public testing::Test {
 protected:
  [[nodiscard]] std::string with(ByteSpan bytes) const {
    const std::string path = temp_.path() / "file";
    std::ofstream(path, std::ios::binary) << as_text(bytes);
    return path;
  }
  TempDir temp_ = TempDir::create("verify-test").value();
};

TEST_F(VerifyFile, ReadsFromDisk) {
  const auto report = verify_dump(with(valid().build()), no_progress());
  ASSERT_TRUE(report) << test::why(report);
  EXPECT_TRUE(report->whole);
}

struct NoDump {
  const char* name;
  std::string_view bytes;
  ErrorCode code;
  const char* message;
};
class NotADump : public VerifyFile, public testing::WithParamInterface<NoDump> {};

TEST_P(NotADump, IsCalledWhatItIs) {
  const auto& [name, bytes, code, message] = GetParam();
  const auto report = verify_dump(with(as_byte_span(bytes)), no_progress());
  EXPECT_EQ(code_of(report), code);
  EXPECT_THAT(report.error().to_string(), HasSubstr(message));
}

using namespace std::string_view_literals;
INSTANTIATE_TEST_SUITE_P(
    All, NotADump,
    testing::Values(NoDump{"empty", "", ErrorCode::truncated, "is empty"},
                    NoDump{"one_byte", "K", ErrorCode::unsupported, "not a dump"},
                    NoDump{"text", "#!/bin/sh\nexit 0\n", ErrorCode::unsupported, "not a dump"},
                    NoDump{"zeros", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv, ErrorCode::unsupported,
                           "not a dump"},
                    NoDump{"gzip", "\x1f\x8b\x08\0\0\0\0\0\0\0"sv, ErrorCode::unsupported, "gzip -d"},
                    NoDump{"zstd", "\x28\xb5\x2f\xfd\0\0\0\0"sv, ErrorCode::unsupported, "zstd -d"},
                    NoDump{"xz", "\xfd\x37zXZ\0\0\0"sv, ErrorCode::unsupported, "xz -d"},
                    NoDump{"qcow2", "QFI\xfb\0\0\0\3"sv, ErrorCode::unsupported, "QEMU disk image"},
                    NoDump{"windows", "PAGEDU64", ErrorCode::unsupported, "Windows"},
                    NoDump{"old_diskdump", "DISKDUMP", ErrorCode::unsupported, "diskdump"},
                    NoDump{"magic_only_elf",
                           "\x7f"
                           "ELF",
                           ErrorCode::truncated, "file"},
                    NoDump{"magic_only_kdump", "KDUMP   ", ErrorCode::truncated, "file"}),
    [](const auto& which) { return std::string(which.param.name); });

TEST(Verify, MissingFileIsNotFound) {
  EXPECT_EQ(code_of(verify_dump("/no/such/file", no_progress())), ErrorCode::not_found);
}

}  // namespace
}  // namespace lifeboat
