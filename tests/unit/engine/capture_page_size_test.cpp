// SPDX-License-Identifier: GPL-2.0-or-later
// Captures of dumps of other machines: their memory cannot be understood, so every page is kept.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/engine/capture.h"
#include "capture/engine/page_batch.h"
#include "src/base/log.h"
#include "src/dump/byte_source.h"
#include "src/dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::ElfBuilder;
using test::KdumpBuilder;
using test::why;
using testing::HasSubstr;

constexpr uint64_t kPages = 3 + 300;

class CaptureOfPages : public testing::TestWithParam<uint64_t> {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
    options_.levels = {1};
  }
  void TearDown() override { log::set_sink({}); }

  [[nodiscard]] std::string path() const { return temp_.path() / "vmcore"; }
  Result<CaptureReport> capture(Dump& source) {
    const UniqueFd fd = TRY(open_file(path(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    return capture_dump(source, fd.get(), "vmcore", options_, no_progress());
  }
  // Low memory, and more than one batch of high memory, of which a third is zero.
  [[nodiscard]] std::vector<std::byte> elf() const {
    auto high = test::patterned_pages(100, 100, page_);
    test::append(high, test::noise(1, 100 * page_.bytes()));
    return ElfBuilder()
        .machine(EM_AARCH64)
        .vmcoreinfo(fmt::format("OSRELEASE=6.12.0\nPAGESIZE={}\n", page_.bytes()))
        .cpu()
        .load(page_.bytes(), test::patterned_pages(1, 3, page_))
        .load(page_.address(100), high, 300 * page_.bytes())
        .build();
  }
  [[nodiscard]] KdumpBuilder kdump() const {
    KdumpBuilder builder(64, page_);
    builder.machine("aarch64").ram(0, 40);
    for (uint64_t pfn = 0; pfn < 20; ++pfn)
      builder.page(pfn, test::patterned_page(pfn, page_), Compression::zstd);
    return builder.zero_page(20);
  }
  void expect_same_pages(Dump& source, Dump& copy) const {
    EXPECT_EQ(copy.ram(), source.ram());
    EXPECT_EQ(copy.page_size(), page_);
    std::vector<std::byte> expected(page_.bytes()), got(page_.bytes());
    for (uint64_t pfn = 0; pfn < source.info().max_pfn; ++pfn) {
      ASSERT_EQ(copy.page_state(pfn).value(), source.page_state(pfn).value()) << pfn;
      if (source.page_state(pfn).value() != PageState::stored) continue;
      ASSERT_TRUE(source.read(page_.address(pfn), expected));
      const auto read = copy.read(page_.address(pfn), got);
      ASSERT_TRUE(read) << why(read);
      ASSERT_EQ(got, expected) << pfn;
    }
  }

  const PageSize page_ = PageSize::of(GetParam()).value();
  TempDir temp_ = TempDir::create("capture-test").value();
  CaptureOptions options_;
};

INSTANTIATE_TEST_SUITE_P(Sizes, CaptureOfPages, testing::Values(4096, 16384, 65536),
                         [](const auto& which) { return fmt::format("{}", which.param); });

TEST_P(CaptureOfPages, HoldsEveryPageAndItsMachine) {
  const auto source = Dump::open(memory_byte_source(elf(), "source")).value();
  for (const int level : {0, 1}) {
    options_.levels = {level};
    const auto report = capture(*source);
    ASSERT_TRUE(report) << why(report);
    EXPECT_EQ(report->outcome, DumpOutcome::whole) << report->reason;
    EXPECT_EQ(report->pages.stored_pages, kPages);
    EXPECT_EQ(report->zero_pages, 100u);
    const auto verified = verify_dump(path(), no_progress()).value();
    EXPECT_TRUE(verified.whole) << testing::PrintToString(verified.findings);
    EXPECT_EQ(verified.pages_checked, kPages);
    const auto copy = Dump::open(path()).value();
    EXPECT_EQ(copy->info().format, DumpFormat::kdump);
    EXPECT_EQ(copy->info().machine, "aarch64");
    EXPECT_EQ(copy->info().notes, source->info().notes);
    expect_same_pages(*source, *copy);
  }
}

TEST_P(CaptureOfPages, CopyOfACopyIsTheSame) {
  const auto source = Dump::open(memory_byte_source(kdump().build(), "source")).value();
  const auto report = capture(*source);
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->pages.left_out_before, 19u);
  const auto copy = Dump::open(path()).value();
  expect_same_pages(*source, *copy);
  EXPECT_EQ(copy->info().timestamp, source->info().timestamp);
  EXPECT_EQ(copy->info().uts.release, source->info().uts.release);
}

TEST_P(CaptureOfPages, OfAnIncompleteDumpIsIncomplete) {
  const auto marked =
      kdump().patch_header([](kdump::Header& header) { header.status |= kdump::kStatusIncomplete; }).build();
  const auto lost = kdump().lost_page(30).build();
  for (const auto& bytes : {marked, lost}) {
    const auto source = Dump::open(memory_byte_source(bytes, "source")).value();
    const auto report = capture(*source);
    ASSERT_TRUE(report) << why(report);
    EXPECT_EQ(report->outcome, DumpOutcome::incomplete);
    EXPECT_TRUE(Dump::open(path()).value()->info().incomplete);
    EXPECT_FALSE(verify_dump(path(), no_progress())->whole);
  }
}

// To filter, the memory must be understood.
TEST_P(CaptureOfPages, WithAFilterIsRefused) {
  const auto source = Dump::open(memory_byte_source(elf(), "source")).value();
  options_.levels = {31};
  const auto report = capture(*source);
  EXPECT_EQ(code_of(report), ErrorCode::unsupported);
  EXPECT_THAT(why(report), HasSubstr("cannot filter at level 31"));
  EXPECT_THAT(why(report), HasSubstr("(aarch64)"));
  EXPECT_THAT(why(report), HasSubstr("its kernel is 6.12.0"));
  // Where nobody can choose, everything is kept.
  options_.unfilterable = Unfilterable::keep_all;
  const auto all = capture(*source);
  ASSERT_TRUE(all) << why(all);
  EXPECT_EQ(all->pages.stored_pages, kPages);
  EXPECT_FALSE(all->filtered);
}

TEST_P(CaptureOfPages, BatchesHaveTheSameSize) {
  PageBatch batch(page_);
  uint64_t pages = 0;
  for (; !batch.full(); ++pages) batch.pages.push_back({.pfn = pages});
  EXPECT_EQ(page_.address(pages), PageBatch::kBytes);
  EXPECT_EQ(batch.raw_page(pages - 1).size(), page_.bytes());
}

}  // namespace
}  // namespace lifeboat
