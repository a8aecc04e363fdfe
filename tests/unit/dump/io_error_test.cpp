// SPDX-License-Identifier: GPL-2.0-or-later
// What a disk does not give back is an I/O error, not a page that was left out.
#include <gtest/gtest.h>

#include "src/dump/kdump_reader.h"
#include "src/dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/failing_source.h"
#include "tests/support/faults.h"
#include "tests/support/flattened_builder.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::FailingSource;
using test::KdumpBuilder;
using test::patterned_page;
using test::why;

// Stored: 16, 18, and one in the bitmap's next block. 17 is RAM that was left out.
constexpr uint64_t kFar = 40000;
KdumpBuilder valid() {
  KdumpBuilder builder(kFar + 8);
  return builder.ram(16, 3)
      .page(16, patterned_page(16))
      .page(18, patterned_page(18))
      .page(kFar, patterned_page(kFar));
}

struct OpenDump {
  FailingSource* file;  // of `dump`
  std::unique_ptr<Dump> dump;
};
OpenDump open(ByteSpan bytes) {
  auto file = std::make_unique<FailingSource>(bytes);
  FailingSource* const failing = file.get();
  return {failing, Dump::open(std::move(file)).value()};
}

std::optional<ErrorCode> read_code(Dump& dump, uint64_t pfn) {
  std::vector<std::byte> page(kPageSize);
  return code_of(dump.read(pfn * kPageSize, page));
}

TEST(IoError, OfTheSecondBitmap) {
  const auto [file, dump] = open(valid().build());
  file->fail_at(valid().layout().second_bitmap, valid().layout().descriptors);
  for (const uint64_t pfn : {uint64_t{16}, uint64_t{17}, uint64_t{18}, kFar, uint64_t{3}}) {
    EXPECT_EQ(code_of(dump->page_state(pfn)), ErrorCode::io) << pfn;
    EXPECT_EQ(read_code(*dump, pfn), ErrorCode::io) << pfn;
  }
  EXPECT_EQ(code_of(dump->next_stored(0, kFar)), ErrorCode::io);
  const auto report = verify_dump(*dump, "test", no_progress());
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.pages_checked, 3u);
  EXPECT_EQ(report.pages_damaged, 3u);
  EXPECT_EQ(report.pages_lost, 0u);
  // Nothing of it is remembered.
  file->fail_nowhere();
  EXPECT_EQ(dump->page_state(17), PageState::excluded);
  EXPECT_TRUE(verify_dump(*dump, "test", no_progress()).whole);
}

TEST(IoError, OfOneBlockOfTheSecondBitmapCostsTheOthersNothing) {
  const auto [file, dump] = open(valid().build());
  file->fail_at(valid().layout().second_bitmap, valid().layout().second_bitmap + kPageSize);
  EXPECT_EQ(read_code(*dump, kFar), std::nullopt);
  const auto report = verify_dump(*dump, "test", no_progress());
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.pages_checked, 3u);
  EXPECT_EQ(report.pages_damaged, 2u);
}

// The page's own bit can be read; how many are before it cannot.
TEST(IoError, OfTheCountBeforeAPage) {
  const auto [file, dump] = open(valid().build());
  file->fail_at(valid().layout().second_bitmap + 100, valid().layout().second_bitmap + 101);
  EXPECT_EQ(dump->page_state(18), PageState::stored);
  EXPECT_EQ(read_code(*dump, 18), ErrorCode::io);
  EXPECT_FALSE(verify_dump(*dump, "test", no_progress()).whole);
}

TEST(IoError, OfTheFirstBitmap) {
  const auto [file, dump] = open(valid().build());
  file->fail_at(valid().layout().first_bitmap, valid().layout().second_bitmap);
  for (const uint64_t pfn : {uint64_t{17}, uint64_t{3}}) {
    EXPECT_EQ(code_of(dump->page_state(pfn)), ErrorCode::io) << pfn;
    EXPECT_EQ(read_code(*dump, pfn), ErrorCode::io) << pfn;
  }
  EXPECT_EQ(read_code(*dump, 16), std::nullopt);
}

TEST(IoError, OfPageData) {
  const auto [file, dump] = open(valid().build());
  file->fail_at(valid().layout().data, valid().layout().end);
  EXPECT_EQ(read_code(*dump, 16), ErrorCode::io);
  const auto report = verify_dump(*dump, "test", no_progress());
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.pages_damaged, 3u);
}

TEST(IoError, OfDescriptors) {
  constexpr uint64_t kPages = 400, kGood = kPageSize / sizeof(kdump::PageDescriptor);
  KdumpBuilder builder(kPages);
  for (uint64_t pfn = 0; pfn < kPages; ++pfn) builder.zero_page(pfn);
  const auto [file, dump] = open(builder.build());
  file->fail_at(builder.layout().descriptors + kPageSize, builder.layout().data);
  EXPECT_EQ(read_code(*dump, kGood - 1), std::nullopt);
  for (const uint64_t pfn : {kGood, kPages - 1}) EXPECT_EQ(read_code(*dump, pfn), ErrorCode::io) << pfn;
  const auto report = verify_dump(*dump, "test", no_progress());
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.pages_checked, kPages);
  EXPECT_EQ(report.pages_damaged, kPages - kGood);
  EXPECT_EQ(report.pages_lost, 0u);
}

TEST(IoError, OfAnElfCore) {
  test::ElfBuilder builder;
  builder.cpu().load(kPageSize, test::patterned_pages(1, 3));
  const auto [file, dump] = open(builder.build());
  file->fail_at(builder.build().size() - kPageSize - 1, builder.build().size() - kPageSize);
  EXPECT_EQ(read_code(*dump, 2), ErrorCode::io);
  EXPECT_EQ(read_code(*dump, 3), std::nullopt);
  const auto report = verify_dump(*dump, "test", no_progress());
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.pages_damaged, 1u);
}

// Every part that opening reads, one after the other.
TEST(IoError, WhileItIsOpened) {
  test::ElfBuilder elf;
  elf.vmcoreinfo("OSRELEASE=6\n").load(kPageSize, patterned_page(1));
  auto kdump = valid();
  kdump.vmcoreinfo("OSRELEASE=6\n");
  const auto flat = test::FlattenedBuilder().file(kdump.build(), 1000).build();
  for (const auto& bytes : {elf.build(), kdump.build(), flat}) {
    for (uint64_t at = 0; at < bytes.size(); at += 16) {
      auto file = std::make_unique<FailingSource>(bytes);
      file->fail_at(at, at + 1);
      const auto dump = Dump::open(std::move(file));
      if (!dump) {
        ASSERT_EQ(code_of(dump), ErrorCode::io) << at << ' ' << why(dump);
        continue;
      }
      ASSERT_FALSE((*dump)->info().vmcoreinfo.empty()) << at;
      for (const uint64_t pfn : {16, 18}) {
        const auto state = (*dump)->page_state(pfn);
        if ((*dump)->info().format == DumpFormat::kdump && state) {
          ASSERT_EQ(*state, PageState::stored) << at;
        }
      }
    }
  }
}

// From the N-th read on the disk fails.
TEST(IoError, NoDumpOnAFailedDiskIsWhole) {
  const auto temp = TempDir::create("io-error").value();
  const std::string path = temp.path() / "dump";
  ASSERT_TRUE(write_file_atomically(path, valid().build(), 0600));
  for (int nth = 0;; ++nth) {
    const test::FaultInjection broken(sys::Call::pread, nth, EIO, test::FaultInjection::Duration::for_good);
    const auto report = verify_dump(path, no_progress());
    if (!broken.fired()) {
      ASSERT_TRUE(report && report->whole) << nth;
      break;
    }
    if (report) {
      EXPECT_FALSE(report->whole) << nth;
    } else {
      EXPECT_EQ(code_of(report), ErrorCode::io) << nth << ' ' << why(report);
    }
  }
}

}  // namespace
}  // namespace lifeboat
