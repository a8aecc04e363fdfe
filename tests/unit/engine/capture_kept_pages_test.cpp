// SPDX-License-Identifier: GPL-2.0-or-later
// Captures of a fake kernel: pages that are saved whatever their struct pages say, and parts of mem_map that
// are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "capture/engine/capture.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/dump/verify.h"
#include "src/vmcore/dump_kernel.h"
#include "tests/support/fake_pages.h"
#include "tests/support/faults.h"
#include "tests/support/kallsyms_builder.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kImage = kFakePhysBase / kPageSize;  // its first page frame

class CaptureKeeps : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
    options_.levels = {31};
    // The last symbol of the samples is _end; make the image so large that all of the fake kernel is in it.
    auto symbols = sample_symbols(fake_);
    symbols.back().address = 0xffffffff80000000 + 4_MiB;
    put_kallsyms(fake_, symbols);
  }
  void TearDown() override { log::set_sink({}); }

  CaptureReport capture() {
    const std::string source_path = temp_.path() / "vmcore";
    fake_.write_elf(source_path);
    source_ = Dump::open(source_path).value();
    return capture_of(*source_);
  }
  CaptureReport capture_of(Dump& source) {
    const auto fd = open_file(path(), O_RDWR | O_CREAT | O_TRUNC, 0600).value();
    auto report = capture_dump(source, fd.get(), "dump", options_, no_progress());
    EXPECT_TRUE(report) << why(report);
    EXPECT_TRUE(verify_dump(path(), no_progress())->whole);
    return *std::move(report);
  }
  [[nodiscard]] std::string path() const { return temp_.path() / "dump"; }
  static PageState state(const Dump& dump, uint64_t pfn) { return dump.page_state(pfn).value(); }

  FakeKernel fake_;
  TempDir temp_ = TempDir::create("capture-keeps").value();
  std::unique_ptr<Dump> source_;
  CaptureOptions options_;
};

// The struct page of a page of the kernel's data still has the flags of an earlier life.
TEST_F(CaptureKeeps, PagesOfTheImageWithStaleFlags) {
  set_block(fake_, {kImage + 3, 0, FakeUse::cache});
  set_block(fake_, {kImage + 512, 9, FakeUse::hugetlb});
  set_block(fake_, {kImage + 2048, 0, FakeUse::cache});  // behind the image
  const auto report = capture();
  EXPECT_EQ(report.pages.essential_pages, 1u + 512);
  EXPECT_THAT(report.warnings, Contains(HasSubstr("513 pages of the kernel's image")));
  const auto dump = Dump::open(path()).value();
  EXPECT_EQ(state(*dump, kImage + 3), PageState::stored);
  EXPECT_EQ(state(*dump, kImage + 1000), PageState::stored);
  EXPECT_EQ(state(*dump, kImage + 2048), PageState::excluded);
  // They read as in the source.
  std::vector<std::byte> expected(kPageSize), got(kPageSize);
  ASSERT_TRUE(source_->read((kImage + 3) * kPageSize, expected));
  ASSERT_TRUE(dump->read((kImage + 3) * kPageSize, got));
  EXPECT_EQ(got, expected);
}

TEST_F(CaptureKeeps, NothingIsReportedOfAHealthyKernel) {
  set_block(fake_, {64, 6, FakeUse::cache});
  const auto report = capture();
  EXPECT_EQ(report.pages.essential_pages, 0u);
  EXPECT_THAT(report.warnings, Not(Contains(HasSubstr("image"))));
}

TEST_F(CaptureKeeps, LevelsThatLookAtContentsNeedNoEssentialPages) {
  // Its per-CPU areas are not known, which is reported where they matter.
  options_.levels = {1};
  EXPECT_THAT(capture().warnings, Not(Contains(HasSubstr("essential"))));
  options_.levels = {31};
  EXPECT_THAT(capture().warnings, Contains(HasSubstr("essential")));
}

TEST_F(CaptureKeeps, MemMapOfPagesLeftOut) {
  set_block(fake_, {64, 6, FakeUse::cache});
  set_block(fake_, {128, 7, FakeUse::free});
  const uint64_t map = fake_.mem_map_physical() / kPageSize;
  const auto with = capture();
  EXPECT_EQ(with.pages.mem_map_pages, 0u);
  EXPECT_FALSE(Dump::open(path()).value()->info().mem_map_left_out);

  // The image of this kernel has the mem_map in it, which would keep it: make it end before.
  auto symbols = sample_symbols(fake_);
  symbols.back().address = align_up(fake_.parsed().symbol("init_uts_ns").value() + 1, kPageSize);
  put_kallsyms(fake_, symbols);
  options_.drop_memmap = true;
  const auto without = capture();
  EXPECT_EQ(without.pages.mem_map_pages, 3u);
  const auto dump = Dump::open(path()).value();
  EXPECT_TRUE(dump->info().mem_map_left_out);
  EXPECT_EQ(dump->info().stored_pages, without.pages.stored_pages);
  for (const uint64_t page : {1, 2, 3}) EXPECT_EQ(state(*dump, map + page), PageState::excluded) << page;
  EXPECT_EQ(state(*dump, map + 4), PageState::stored);
  EXPECT_TRUE(kernel_of(*dump)) << "the kernel's own pages are there";

  // A copy says so as well.
  const std::string first = temp_.path() / "first";
  std::filesystem::rename(path(), first);
  const auto again = Dump::open(first).value();
  options_.drop_memmap = false;
  EXPECT_EQ(capture_of(*again).pages.stored_pages, without.pages.stored_pages);
  EXPECT_TRUE(Dump::open(path()).value()->info().mem_map_left_out);
}

TEST_F(CaptureKeeps, NoMemMapIsLeftOutOfADumpOfAllPages) {
  options_.drop_memmap = true;
  for (const int level : {0, 1}) {
    options_.levels = {level};
    EXPECT_EQ(capture().pages.mem_map_pages, 0u);
    EXPECT_FALSE(Dump::open(path()).value()->info().mem_map_left_out);
  }
}

// The second bitmap is read and written once more: where that fails, nothing is published.
TEST_F(CaptureKeeps, AFullTargetWhileMemMapIsLeftOut) {
  options_.drop_memmap = true;
  set_block(fake_, {64, 6, FakeUse::cache});
  fake_.write_elf(temp_.path() / "vmcore");
  source_ = Dump::open(temp_.path() / "vmcore").value();
  int failed = 0;
  for (int nth = 0;; ++nth) {
    const auto fd = open_file(path(), O_RDWR | O_CREAT | O_TRUNC, 0600).value();
    const FaultInjection fault(sys::Call::pwrite, nth, EIO);
    const auto report = capture_dump(*source_, fd.get(), "dump", options_, no_progress());
    if (!fault.fired()) break;
    EXPECT_EQ(code_of(report), ErrorCode::io) << nth;
    ++failed;
  }
  EXPECT_GT(failed, 5);
}

}  // namespace
}  // namespace lifeboat::test
