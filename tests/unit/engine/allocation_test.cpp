// SPDX-License-Identifier: GPL-2.0-or-later
// A capture kernel has little memory. Wherever an allocation fails, the capture ends or goes on with less: it
// says so, no thread is left, and no file is marked whole that is not.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <new>

#include "capture/engine/capture.h"
#include "src/base/log.h"
#include "src/dump/byte_source.h"
#include "src/dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace {

// Of all threads: how many allocations succeed before one fails; negative: none fails.
std::atomic<long> g_before_failure = -1;

bool fails_now() {
  long before = g_before_failure.load();
  while (before >= 0) {
    if (g_before_failure.compare_exchange_weak(before, before - 1)) return before == 0;
  }
  return false;
}

}  // namespace

// The array forms, and those that do not throw, use this one; the aligned ones are not used by the engine.
void* operator new(size_t size) {
  if (!fails_now()) {
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  }
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace lifeboat {
namespace {

constexpr uint64_t kStart = 0x100000, kPages = 700;

std::vector<std::byte> source_bytes() {
  std::vector<std::byte> memory;
  for (uint64_t page = 0; page < kPages; ++page)
    test::append(memory, test::patterned_page(page % 3 == 0 ? page % 20 : page));
  return test::ElfBuilder().cpu().load(kStart, memory).build();
}

size_t threads_now() {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                                           std::filesystem::directory_iterator()));
}

class Allocations : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
  }
  void TearDown() override { log::set_sink({}); }
};

TEST_P(Allocations, WhicheverFailsItEndsClearly) {
  const auto temp = TempDir::create("allocation-test").value();
  const std::string path = temp.path() / "vmcore";
  const auto source = Dump::open(memory_byte_source(source_bytes(), "vmcore")).value();
  CaptureOptions options;
  options.levels = {0};
  options.threads = GetParam();
  options.memory = size_t{4} << 20;
  const size_t before = threads_now();
  int failed = 0, went_on = 0;
  for (long nth = 0;; ++nth) {
    SCOPED_TRACE(nth);
    const UniqueFd fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600).value();
    bool whole = false;
    g_before_failure = nth;
    try {
      const auto report = capture_dump(*source, fd.get(), "vmcore", options, no_progress());
      whole = report && report->outcome == DumpOutcome::whole;
    } catch (const std::bad_alloc&) {
      // Who supervises the capture reports it.
    }
    const bool all_succeeded = g_before_failure.exchange(-1) >= 0;
    EXPECT_EQ(threads_now(), before);
    const auto verified = verify_dump(path, no_progress());
    ASSERT_EQ(verified && verified->whole, whole);
    if (all_succeeded) {
      EXPECT_TRUE(whole);
      break;
    }
    ++(whole ? went_on : failed);
  }
  EXPECT_GT(failed, 20);
  EXPECT_GT(went_on, 0) << "with smaller buffers";
}

INSTANTIATE_TEST_SUITE_P(Threads, Allocations, testing::Values(1u, 3u));

}  // namespace
}  // namespace lifeboat
