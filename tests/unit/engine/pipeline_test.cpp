// SPDX-License-Identifier: GPL-2.0-or-later
// Captures by several threads: what a reader sees is the same, and whatever fails, it ends.
#include "capture/engine/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "capture/engine/capture.h"
#include "capture/engine/workers.h"
#include "src/base/log.h"
#include "src/dump/byte_source.h"
#include "src/dump/kdump_reader.h"
#include "src/dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/faults.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/sanitized.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::ElfBuilder;
using test::FaultInjection;
using test::why;
using testing::Contains;
using testing::HasSubstr;

constexpr uint64_t kStart = 0x100000;
constexpr uint64_t kPages = 4000;

// Some batches: every third page is the same as an earlier one, every fifth is zero, some are noise.
std::vector<std::byte> source_bytes() {
  std::vector<std::byte> memory;
  memory.reserve(kPages * kPageSize);
  for (uint64_t page = 0; page < kPages; ++page) {
    if (page % 5 == 0) {
      memory.resize(memory.size() + kPageSize);
    } else if (page % 7 == 0) {
      test::append(memory, test::noise(page, kPageSize));
    } else {
      test::append(memory, test::patterned_page(page % 3 == 0 ? page % 200 : page));
    }
  }
  return ElfBuilder().cpu().load(kStart, memory).build();
}

// A source that does what a test tells it at a read, in any thread.
class Watched final : public Dump {
 public:
  using Hook = std::function<Result<>(uint64_t address, size_t size)>;
  Watched(Dump& dump, Hook hook) : dump_(dump), hook_(std::move(hook)) {}
  [[nodiscard]] const DumpInfo& info() const override { return dump_.info(); }
  [[nodiscard]] Result<PageState> page_state(uint64_t pfn) const override { return dump_.page_state(pfn); }
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override { return dump_.ram(); }
  [[nodiscard]] bool parallel_reads() const override { return parallel_; }
  Result<> read(uint64_t address, MutableByteSpan out) override {
    TRY_VOID(hook_(address, out.size()));
    return dump_.read(address, out);
  }
  void verify(VerifyReport& report, Progress& progress) override { dump_.verify(report, progress); }
  void one_thread_at_a_time() { parallel_ = false; }

 private:
  Dump& dump_;
  Hook hook_;
  bool parallel_ = true;
};

class Pipeline : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    log::set_sink([this](log::Level, std::string_view text) { log_.emplace_back(text); });
    options_.levels = {0};
    options_.threads = GetParam();
    options_.memory = size_t{64} << 20;
  }
  void TearDown() override { log::set_sink({}); }
  [[nodiscard]] std::string path() const { return temp_.path() / "vmcore"; }
  Result<CaptureReport> capture(Dump& source) {
    const UniqueFd fd = TRY(open_file(path(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    return capture_dump(source, fd.get(), "vmcore", options_, no_progress());
  }
  void expect_same_pages() {
    ASSERT_TRUE(verify_dump(path(), no_progress())->whole);
    const auto copy = Dump::open(path()).value();
    std::vector<std::byte> expected(kPageSize), got(kPageSize);
    for (uint64_t page = 0; page < kPages; ++page) {
      ASSERT_TRUE(source_->read(kStart + page * kPageSize, expected));
      ASSERT_TRUE(copy->read(kStart + page * kPageSize, got));
      ASSERT_EQ(got, expected) << page;
    }
  }
  static size_t threads_now() {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                                             std::filesystem::directory_iterator()));
  }

  std::vector<std::string> log_;
  TempDir temp_ = TempDir::create("pipeline-test").value();
  std::unique_ptr<Dump> source_ = Dump::open(memory_byte_source(source_bytes(), "vmcore")).value();
  CaptureOptions options_;
};

INSTANTIATE_TEST_SUITE_P(Threads, Pipeline, testing::Values(1u, 2u, 3u, 8u));

TEST_P(Pipeline, EveryPageIsThere) {
  for (const auto codec : {Compression::none, Compression::lzo, Compression::zstd}) {
    options_.compression = {codec, 0};
    const auto report = capture(*source_);
    ASSERT_TRUE(report) << why(report);
    EXPECT_EQ(report->outcome, DumpOutcome::whole);
    EXPECT_EQ(report->threads, GetParam());
    EXPECT_EQ(report->zero_pages, kPages / 5);
    EXPECT_GT(report->shared_pages, 500u);
    expect_same_pages();
  }
}

TEST_P(Pipeline, TheFileIsTheSameForAnyNumberOfThreads) {
  options_.compression = {Compression::lzo, 0};
  ASSERT_TRUE(capture(*source_));
  const auto with = read_file(path()).value();
  options_.threads = 1;
  ASSERT_TRUE(capture(*source_));
  EXPECT_EQ(with, read_file(path()).value());
}

TEST_P(Pipeline, ASourceForOneThreadIsReadByOneAtATime) {
  std::atomic<int> readers = 0, most = 0;
  Watched source(*source_, [&](uint64_t, size_t) -> Result<> {
    most = std::max<int>(most, ++readers);
    std::this_thread::yield();
    --readers;
    return {};
  });
  source.one_thread_at_a_time();
  ASSERT_TRUE(capture(source));
  EXPECT_EQ(most, 1);
  expect_same_pages();
}

TEST_P(Pipeline, PagesThatCannotBeReadAreLostAlone) {
  const std::set<uint64_t> bad = {kStart + 8 * kPageSize, kStart + 1001 * kPageSize,
                                  kStart + 3999 * kPageSize};
  Watched source(*source_, [&](uint64_t address, size_t size) -> Result<> {
    const auto next = bad.lower_bound(address);
    if (next == bad.end() || *next >= address + size) return {};
    return fail(ErrorCode::io, "uncorrectable memory error");
  });
  const auto report = capture(source);
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->outcome, DumpOutcome::incomplete);
  EXPECT_EQ(report->lost_pages, 3u);
  EXPECT_EQ(verify_dump(path(), no_progress())->pages_lost, 3u);
}

// Wherever the target fails: an error, the mark stays, and no thread is left.
TEST_P(Pipeline, EveryFailingWriteEndsIt) {
  options_.compression = {Compression::none, 0};
  int nth = 0;
  const size_t before = threads_now();
  for (;; ++nth) {
    const FaultInjection fault(sys::Call::pwrite, nth, nth % 2 == 0 ? ENOSPC : EIO);
    const auto report = capture(*source_);
    if (!fault.fired()) break;
    ASSERT_FALSE(report) << nth;
    EXPECT_EQ(threads_now(), before);
    const auto dump = Dump::open(path());
    if (dump) {
      EXPECT_TRUE((*dump)->info().incomplete) << nth;
    }
  }
  EXPECT_GT(nth, 10);
}

TEST_P(Pipeline, MemoryThatEndsInAThreadEndsIt) {
  std::atomic<int> reads = 0;
  Watched source(*source_, [&](uint64_t, size_t) -> Result<> {
    if (++reads == 4) throw std::bad_alloc();
    return {};
  });
  const size_t before = threads_now();
  const auto report = capture(source);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().sys_errno, ENOMEM);
  EXPECT_EQ(threads_now(), before);
}

// In the caller's thread, which the others wait for.
TEST_P(Pipeline, MemoryThatEndsInTheWriterEndsIt) {
  class Short final : public Progress {
   public:
    void update(uint64_t done, uint64_t total) override {
      if (saving_ && done < total) throw std::bad_alloc();
    }
    void phase(const std::string& name) override { saving_ = name == "save"; }
    void finish() override {}

   private:
    bool saving_ = false;
  };
  Short progress;
  const size_t before = threads_now();
  const UniqueFd fd = open_file(path(), O_RDWR | O_CREAT | O_TRUNC, 0600).value();
  const auto report = capture_dump(*source_, fd.get(), "vmcore", options_, progress);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().sys_errno, ENOMEM);
  EXPECT_EQ(threads_now(), before);
}

// What leads comes first in the file, and its descriptors are there before any other page.
TEST_P(Pipeline, LeadingPagesComeFirst) {
  const uint64_t first = kStart / kPageSize;
  // Of these one is zero and one is not in the dump.
  options_.leading_pages = [&] {
    return std::vector<uint64_t>{first + 3001, first + 5, 1, first + 2, first + 3998};
  };
  options_.compression = {Compression::lzo, 0};
  ASSERT_TRUE(capture(*source_));
  expect_same_pages();
  const auto bytes = read_file(path()).value();
  const auto whole = KdumpReader::open(memory_byte_source(bytes, "whole")).value();
  const auto offset = [&](uint64_t page) { return whole->descriptor(first + page)->offset; };
  EXPECT_LT(offset(3001), offset(2));
  EXPECT_LT(offset(2), offset(3998));
  EXPECT_LT(offset(3998), offset(0 + 1));
  // Cut behind them.
  const uint64_t end = offset(3998) + whole->descriptor(first + 3998)->size;
  const auto cut = KdumpReader::open(memory_byte_source(ByteSpan(bytes).first(end), "cut")).value();
  std::vector<std::byte> expected(kPageSize), got(kPageSize);
  for (const uint64_t page : {3001, 5, 2, 3998}) {
    ASSERT_TRUE(source_->read(kStart + page * kPageSize, expected));
    const auto read = cut->read(kStart + page * kPageSize, got);
    ASSERT_TRUE(read) << page << ": " << why(read);
    EXPECT_EQ(got, expected) << page;
  }
}

// The same when the capture ends there: all descriptors but theirs are zero.
TEST_P(Pipeline, LeadingPagesAreThereWhenTheTargetFails) {
  const uint64_t first = kStart / kPageSize;
  options_.leading_pages = [&] { return std::vector<uint64_t>{first + 3001, first + 2}; };
  options_.compression = {Compression::none, 0};
  {
    // The first write of 128 KiB and more is that of other pages.
    const FaultInjection fault(sys::Call::pwrite, 12, EIO, FaultInjection::Duration::for_good);
    ASSERT_FALSE(capture(*source_));
    ASSERT_TRUE(fault.fired());
  }
  const auto dump = Dump::open(path()).value();
  EXPECT_TRUE(dump->info().incomplete);
  std::vector<std::byte> expected(kPageSize), got(kPageSize);
  for (const uint64_t page : {3001, 2}) {
    ASSERT_TRUE(source_->read(kStart + page * kPageSize, expected));
    const auto read = dump->read(kStart + page * kPageSize, got);
    ASSERT_TRUE(read) << page << ": " << why(read);
    EXPECT_EQ(got, expected) << page;
  }
}

TEST_P(Pipeline, LittleMemoryMeansFewerThreads) {
  options_.memory = smallest_pipeline_memory();
  const auto report = capture(*source_);
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->threads, 1u);
  expect_same_pages();
}

// Codecs and sources that wait: all threads wait at the same time.
TEST(PipelineSpeed, ThreadsWaitTogether) {
  const auto source = Dump::open(memory_byte_source(source_bytes(), "vmcore")).value();
  Watched slow(*source, [](uint64_t, size_t) -> Result<> {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return {};
  });
  const auto seconds = [&](unsigned threads) {
    const TempDir temp = TempDir::create("pipeline-test").value();
    const UniqueFd fd = open_file(temp.path() / "vmcore", O_RDWR | O_CREAT, 0600).value();
    const CaptureOptions options{.levels = {0}, .threads = threads, .memory = size_t{64} << 20};
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(capture_dump(slow, fd.get(), "vmcore", options, no_progress()));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  // On a machine that others use too, one of them may be stopped for seconds.
  bool faster = false;
  for (int round = 0; round < 5 && !faster; ++round) faster = seconds(8) < seconds(1) * 0.6;
  EXPECT_TRUE(faster);
}

TEST(Workers, WhatCannotBeStartedIsDoneWithout) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer needs more address space than any limit";
  std::vector<std::string> messages;
  log::set_sink([&](log::Level, std::string_view text) { messages.emplace_back(text); });
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &old), 0);
  std::atomic<unsigned> done = 0;
  {
    // Room for the stacks of a few threads.
    rlimit tight = old;
    tight.rlim_cur = size_t{600} << 20;
    if (::setrlimit(RLIMIT_AS, &tight) != 0) GTEST_SKIP() << "no limit can be set";
    Workers workers(500, [&](unsigned) -> Result<> {
      ++done;
      return {};
    });
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &old), 0);
    EXPECT_LT(workers.started(), 500u);
    EXPECT_TRUE(workers.join());
    EXPECT_EQ(done, workers.started());
  }
  log::set_sink({});
  EXPECT_THAT(messages, Contains(HasSubstr("threads could be started")));
}

TEST(Workers, TheFirstErrorIsReturned) {
  Workers workers(3, [](unsigned index) -> Result<> {
    if (index == 1) return fail(ErrorCode::io, "the disk");
    return {};
  });
  EXPECT_EQ(code_of(workers.join()), ErrorCode::io);
}

}  // namespace
}  // namespace lifeboat
