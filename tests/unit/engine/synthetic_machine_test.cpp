// SPDX-License-Identifier: GPL-2.0-or-later
// The machine that is made when it is read: the filter finds in it what it is made of, and a dump of it has
// its pages. And that the test of threads notices when threads are of no use.
#include "tests/support/synthetic_machine.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "capture/engine/capture.h"
#include "src/base/size.h"
#include "src/vmcore/dump_kernel.h"
#include "tests/support/measured_child.h"
#include "tests/support/pages.h"
#include "tests/support/thread_scaling.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::kFakeSectionPages;
using test::SyntheticMachine;

// The statistics of a scan of page frames [first, end).
FilterStatistics scan(SyntheticMachine& machine, const KernelMemory& kernel, uint64_t first, uint64_t end) {
  auto filter = PageFilter::create(kernel, machine.ram(), machine.info().max_pfn, {}, 31).value();
  ChunkBits bits;
  for (uint64_t at = first; at < end; at += kChunkPages) EXPECT_TRUE(filter.scan(at, bits));
  EXPECT_TRUE(filter.warnings().empty());
  return filter.statistics();
}

TEST(SyntheticMachine, FilterFindsWhatItIsMadeOf) {
  // More than the hole below 4 GiB; the kernel's pages end within a block, at its end, and with the section.
  for (const uint64_t kernel_pages : {uint64_t{2}, uint64_t{1024}, kFakeSectionPages}) {
    SCOPED_TRACE(kernel_pages);
    SyntheticMachine machine(
        {.ram_bytes = test::kSanitized ? 3_GiB + 256_MiB : 5_GiB, .kernel_pages_per_section = kernel_pages});
    const auto kernel = kernel_of(machine).value();
    const FilterStatistics found = scan(machine, kernel, 0, machine.info().max_pfn);
    EXPECT_EQ(found.pages_of_class, machine.pages_of_class());
    EXPECT_EQ(found.stored_pages, machine.pages_of_class()[static_cast<size_t>(PageClass::kernel)]);
    EXPECT_EQ(found.ram_pages, machine.info().ram_pages);
    EXPECT_EQ(found.unreadable_pages, 0U);
    EXPECT_EQ(found.sections_without_map, 1_GiB / (kFakeSectionPages * kPageSize));
  }
}

TEST(SyntheticMachine, HasEveryClassOfBlock) {
  SyntheticMachine machine({.ram_bytes = 2_GiB});
  const auto pages = machine.pages_of_class();
  for (const PageClass there :
       {PageClass::kernel, PageClass::free, PageClass::cache, PageClass::cache_private, PageClass::user})
    EXPECT_GT(pages[static_cast<size_t>(there)], 1000U) << page_class_name(there);
}

// However large it is, to make it and to scan its end takes a few megabytes.
TEST(SyntheticMachine, TakesNoMoreMemoryForALargeMachine) {
  const auto run = test::run_measured([]() -> Result<> {
    SyntheticMachine machine({.ram_bytes = test::kMaxSyntheticRam});
    const auto kernel = TRY(kernel_of(machine));
    const uint64_t end = machine.info().max_pfn;
    if (end != (test::kMaxSyntheticRam + 1_GiB) / kPageSize) return fail(ErrorCode::corrupt, "its end");
    const FilterStatistics found = scan(machine, kernel, align_down(end - 1, kChunkPages), end);
    // The last 1 GiB: what the hole took away below.
    if (found.ram_pages != 1_GiB / kPageSize || found.unreadable_pages != 0 || found.stored_pages != 16)
      return fail(ErrorCode::corrupt, "{} pages, {} unreadable, {} stored", found.ram_pages,
                  found.unreadable_pages, found.stored_pages);
    return {};
  });
  EXPECT_FALSE(run.code);
  EXPECT_LT(run.peak_bytes, 32_MiB * test::kCostFactor);
}

// Pieces of any size and place, across the borders of struct pages and blocks, are those of one long read.
TEST(SyntheticMachine, ReadsPiecesAsItReadsAllAtOnce) {
  SyntheticMachine machine({.ram_bytes = 1_GiB});
  const uint64_t begin = SyntheticMachine::mem_map_of_section(kFakeSectionPages);
  std::vector<std::byte> whole(256_KiB), part(1000);
  ASSERT_TRUE(machine.read(begin, whole));
  for (uint64_t at = 0; at + part.size() <= whole.size(); at += 777) {
    ASSERT_TRUE(machine.read(begin + at, part));
    ASSERT_EQ(std::memcmp(part.data(), whole.data() + at, part.size()), 0) << at;
  }
  const auto page = test::patterned_pages(100'000, 2);
  ASSERT_TRUE(machine.read(100'000 * kPageSize + 777, part));
  EXPECT_EQ(std::memcmp(part.data(), page.data() + 777, part.size()), 0);
}

TEST(SyntheticMachine, HasNoMemoryBehindItsRam) {
  SyntheticMachine machine({.ram_bytes = 4_GiB});
  std::array<std::byte, 8> word;
  EXPECT_EQ(test::code_of(machine.read(5_GiB, word)), ErrorCode::not_present);
  EXPECT_EQ(test::code_of(machine.read(3_GiB, word)), ErrorCode::not_present);
  EXPECT_TRUE(machine.read(5_GiB - sizeof word, word));
  EXPECT_EQ(machine.page_state(5_GiB / kPageSize).value(), PageState::absent);
  EXPECT_EQ(machine.page_state(4_GiB / kPageSize).value(), PageState::stored);
}

TEST(SyntheticMachine, DumpHasItsPages) {
  SyntheticMachine machine({.ram_bytes = 512_MiB, .kernel_pages_per_section = 64});
  const auto folder = TempDir::create("lifeboat-synthetic").value();
  const std::string path = folder.path() / "vmcore";
  const auto file = open_file(path, O_RDWR | O_CREAT, 0600).value();
  CaptureOptions options;
  options.threads = 3;
  const auto report = capture_dump(machine, file.get(), path, options, no_progress());
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_EQ(report->outcome, DumpOutcome::whole);
  EXPECT_EQ(report->pages.pages_of_class, machine.pages_of_class());

  const auto dump = Dump::open(path).value();
  std::vector<std::byte> page(kPageSize);
  for (const uint64_t pfn : {kFakeSectionPages, 3 * kFakeSectionPages + 63}) {
    ASSERT_TRUE(dump->read(pfn * kPageSize, page));
    EXPECT_EQ(page, test::patterned_page(pfn));
  }
  EXPECT_EQ(dump->page_state(3 * kFakeSectionPages + 64).value(), PageState::excluded);
  EXPECT_EQ(dump->info().uts.release, "6.12.0-fake");
}

// `pages` waits of 200 us, shared among the threads.
void wait_for_pages(unsigned threads, unsigned pages, bool one_at_a_time) {
  std::mutex turn;
  std::vector<std::thread> all;
  for (unsigned thread = 0; thread < threads; ++thread) {
    all.emplace_back([&] {
      for (unsigned page = 0; page < pages / threads; ++page) {
        std::unique_lock<std::mutex> lock(turn, std::defer_lock);
        if (one_at_a_time) lock.lock();
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
  }
  for (auto& thread : all) thread.join();
}

TEST(ThreadScaling, IsSeen) {
  test::expect_faster_with_threads(4, 2.5, [](unsigned threads) { wait_for_pages(threads, 200, false); });
}

TEST(ThreadScaling, IsMissedWhereThreadsWaitForEachOther) {
  EXPECT_NONFATAL_FAILURE(
      test::expect_faster_with_threads(4, 2.5, [](unsigned threads) { wait_for_pages(threads, 100, true); }),
      "4 threads");
}

}  // namespace
}  // namespace lifeboat
