// SPDX-License-Identifier: GPL-2.0-or-later
// From a built ELF core to a KDUMP file. Its kernel tells nothing, so every page is kept.
#include "capture/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "dump/byte_source.h"
#include "dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/faults.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::ElfBuilder;
using test::FaultInjection;
using test::why;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kHigh = 0x100000;
constexpr uint64_t kPages = 3 + 600;

// Low memory, and more than two batches of high memory, of which a third is zero.
std::vector<std::byte> source_bytes() {
  auto high = test::patterned_pages(100, 200);
  test::append(high, test::noise(1, 200 * kPageSize));
  return ElfBuilder()
      .cpu()
      .cpu()
      .load(0x1000, test::patterned_pages(1, 3))
      .load(kHigh, high, 600 * kPageSize)
      .build();
}

// The dump of another, some of whose pages cannot be read.
class Damaged final : public Dump {
 public:
  Damaged(std::unique_ptr<Dump> dump, uint64_t bad_address) : dump_(std::move(dump)), bad_(bad_address) {}
  [[nodiscard]] const DumpInfo& info() const override { return dump_->info(); }
  [[nodiscard]] Result<PageState> page_state(uint64_t pfn) const override { return dump_->page_state(pfn); }
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override { return dump_->ram(); }
  Result<> read(uint64_t address, MutableByteSpan out) override {
    if (address <= bad_ && bad_ - address < out.size())
      return fail(ErrorCode::io, "uncorrectable memory error");
    return dump_->read(address, out);
  }
  void verify(VerifyReport& report, Progress& progress) override { dump_->verify(report, progress); }

 private:
  std::unique_ptr<Dump> dump_;
  uint64_t bad_;
};

class Capture : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
    options_.levels = {31};
    options_.unfilterable = Unfilterable::keep_all;
  }
  void TearDown() override { log::set_sink({}); }

  [[nodiscard]] std::string path() const { return temp_.path() / "vmcore"; }
  Result<CaptureReport> capture(Dump& source) {
    const UniqueFd fd = TRY(open_file(path(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    return capture_dump(source, fd.get(), "vmcore", options_, no_progress());
  }
  // Every page of the source, read from both.
  static void expect_same_pages(Dump& source, Dump& copy) {
    EXPECT_EQ(copy.ram(), source.ram());
    std::vector<std::byte> expected(kPageSize), got(kPageSize);
    for (const auto& range : source.ram()) {
      for (uint64_t at = range.start; at < range.end; at += kPageSize) {
        ASSERT_TRUE(source.read(at, expected));
        const auto read = copy.read(at, got);
        ASSERT_TRUE(read) << why(read);
        ASSERT_EQ(got, expected) << std::hex << at;
      }
    }
  }

  TempDir temp_ = TempDir::create("capture-test").value();
  std::unique_ptr<Dump> source_ = Dump::open(memory_byte_source(source_bytes(), "vmcore")).value();
  CaptureOptions options_;
};

class CaptureCodecs : public Capture, public testing::WithParamInterface<Compression> {};

TEST_P(CaptureCodecs, WholeDumpHoldsEveryPage) {
  options_.compression = {GetParam(), 0};
  const auto report = capture(*source_);
  ASSERT_TRUE(report) << why(report);
  EXPECT_FALSE(report->filtered);
  EXPECT_EQ(report->pages.stored_pages, kPages);
  EXPECT_EQ(report->zero_pages, 200u);
  EXPECT_EQ(report->lost_pages, 0u);
  EXPECT_THAT(report->warnings, Contains(HasSubstr("nothing is filtered")));

  EXPECT_TRUE(verify_dump(path(), no_progress())->whole);
  const auto copy = Dump::open(path()).value();
  EXPECT_EQ(copy->info().format, DumpFormat::kdump);
  EXPECT_EQ(copy->info().compression, GetParam());
  EXPECT_EQ(copy->info().cpus, 2);
  EXPECT_EQ(copy->info().notes, source_->info().notes);
  expect_same_pages(*source_, *copy);
}

INSTANTIATE_TEST_SUITE_P(All, CaptureCodecs,
                         testing::Values(Compression::none, Compression::zlib, Compression::lzo,
                                         Compression::snappy, Compression::zstd),
                         [](const auto& which) { return std::string(compression_name(which.param)); });

TEST_F(Capture, CopyOfACopyIsTheSame) {
  ASSERT_TRUE(capture(*source_));
  const auto first = Dump::open(memory_byte_source(read_file(path()).value(), "first")).value();
  ASSERT_TRUE(capture(*first));
  expect_same_pages(*source_, *Dump::open(path()).value());
}

TEST_F(Capture, WithSomebodyThereToChooseItFails) {
  options_.unfilterable = Unfilterable::fail;
  const auto report = capture(*source_);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().to_string(), HasSubstr("cannot filter at level 31"));
  for (const int level : {0, 1}) {
    options_.levels = {level};
    EXPECT_TRUE(capture(*source_)) << "needs to know nothing of the kernel";
  }
}

TEST_F(Capture, UnreadablePageIsLostAloneAndTheMarkStays) {
  Damaged damaged(std::move(source_), kHigh + 5 * kPageSize + 100);
  const auto report = capture(damaged);
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->lost_pages, 1u);
  EXPECT_THAT(report->warnings, Contains(HasSubstr("uncorrectable memory error")));
  const auto verified = verify_dump(path(), no_progress()).value();
  EXPECT_FALSE(verified.whole);
  EXPECT_TRUE(verified.incomplete);
  EXPECT_EQ(verified.pages_lost, 1u);
  EXPECT_EQ(verified.pages_damaged, 0u);
}

TEST_F(Capture, FullTargetIsTriedWithTheNextLevel) {
  options_.levels = {31, 1};
  const FaultInjection fault(sys::Call::pwrite, 6, ENOSPC);
  const auto report = capture(*source_);
  ASSERT_TRUE(fault.fired());
  ASSERT_TRUE(report) << why(report);
  EXPECT_THAT(report->warnings, Contains(HasSubstr("no room at level 31, trying level 1")));
  EXPECT_TRUE(verify_dump(path(), no_progress())->whole);
  expect_same_pages(*source_, *Dump::open(path()).value());
}

TEST_F(Capture, LastLevelWithoutRoomIsNoSpace) {
  options_.levels = {31, 1};
  const FaultInjection fault(sys::Call::pwrite, 6, ENOSPC, FaultInjection::Duration::for_good);
  EXPECT_EQ(code_of(capture(*source_)), ErrorCode::no_space);
}

// Wherever the disk becomes full: the write that found no room is made again, and nothing is missing.
TEST_F(Capture, RoomThatIsMadeIsUsed) {
  int asked = 0;
  options_.make_room = [&asked] {
    ++asked;
    return true;
  };
  for (const auto call : {sys::Call::pwrite, sys::Call::ftruncate}) {
    int nth = 0;
    for (;; ++nth) {
      asked = 0;
      const FaultInjection fault(call, nth, nth % 2 == 0 ? ENOSPC : EDQUOT);
      const auto report = capture(*source_);
      ASSERT_TRUE(report) << why(report);
      if (!fault.fired()) break;
      EXPECT_EQ(asked, 1) << nth;
      EXPECT_TRUE(verify_dump(path(), no_progress())->whole) << nth;
      EXPECT_THAT(report->warnings, Not(Contains(HasSubstr("no room")))) << nth;
    }
    EXPECT_GT(nth, 1);
  }
  expect_same_pages(*source_, *Dump::open(path()).value());
}

TEST_F(Capture, NextLevelIsTriedOnceNoMoreRoomCanBeMade) {
  options_.levels = {31, 1};
  int left = 2;
  options_.make_room = [&left] { return left-- > 0; };
  const FaultInjection fault(sys::Call::pwrite, 6, ENOSPC, FaultInjection::Duration::for_good);
  EXPECT_EQ(code_of(capture(*source_)), ErrorCode::no_space);
  EXPECT_EQ(left, -2) << "two crashes went, then each level asked once more; giving up asks for nothing";
}

TEST_F(Capture, AnotherErrorThanNoSpaceAsksForNoRoom) {
  options_.make_room = []() -> bool {
    ADD_FAILURE();
    return true;
  };
  const FaultInjection fault(sys::Call::pwrite, 6, EIO, FaultInjection::Duration::for_good);
  EXPECT_EQ(code_of(capture(*source_)), ErrorCode::io);
}

TEST_F(Capture, AnotherErrorThanNoSpaceIsNotTriedAgain) {
  options_.levels = {31, 1};
  const FaultInjection fault(sys::Call::pwrite, 6, EIO);
  const auto report = capture(*source_);
  EXPECT_EQ(code_of(report), ErrorCode::io);
}

TEST_F(Capture, EveryFailingWriteLeavesTheMark) {
  int nth = 0;
  for (const auto call : {sys::Call::pwrite, sys::Call::fsync, sys::Call::pread}) {
    for (nth = 0;; ++nth) {
      const FaultInjection fault(call, nth, EIO);
      const auto report = capture(*source_);
      if (!fault.fired()) break;
      ASSERT_FALSE(report) << nth;
      const auto dump = Dump::open(path());
      if (dump) {
        EXPECT_TRUE((*dump)->info().incomplete) << nth;
      }
    }
    EXPECT_GT(nth, 0);
    EXPECT_TRUE(verify_dump(path(), no_progress())->whole) << "the run without a fault";
  }
}

TEST_F(Capture, NoLevelIsAMistake) {
  options_.levels = {};
  EXPECT_EQ(code_of(capture(*source_)), ErrorCode::usage);
}

TEST_F(Capture, IncompleteSourceIsTold) {
  const auto bytes = source_bytes();
  const auto cut = Dump::open(memory_byte_source(ByteSpan(bytes).first(bytes.size() - 1), "cut")).value();
  const auto report = capture(*cut);
  ASSERT_TRUE(report) << why(report);
  EXPECT_THAT(report->warnings, Contains(HasSubstr("not whole")));
  EXPECT_EQ(report->lost_pages, 1u);
}

}  // namespace
}  // namespace lifeboat
