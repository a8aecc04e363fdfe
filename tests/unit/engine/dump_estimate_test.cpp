// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/dump_estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "capture/engine/capture.h"
#include "src/base/log.h"
#include "tests/support/fake_pages.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::FakeKernel;
using test::FakeUse;
using test::why;
using testing::HasSubstr;

class Estimate : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
    // 4 MiB of cache, of which half is zero; 2 MiB of user memory; broken pages.
    for (uint64_t page = 0; page < 1024; ++page) put(1024 + page, FakeUse::cache, page % 2 == 0 ? 0 : page);
    for (uint64_t page = 0; page < 512; ++page) put(2560 + page, FakeUse::user, page + 1);
    for (uint64_t page = 0; page < 8; ++page) put(3500 + page, FakeUse::poisoned, 1);
  }
  void TearDown() override { log::set_sink({}); }
  void put(uint64_t pfn, FakeUse use, uint64_t contents) {
    test::set_block(fake_, {pfn, 0, use});
    if (contents != 0) fake_.memory().write(pfn * kPageSize, test::noise(contents, kPageSize));
  }
  std::unique_ptr<Dump> dump() {
    fake_.write_elf(path());
    return Dump::open(path()).value();
  }
  [[nodiscard]] std::string path() const { return folder_.path() / "vmcore"; }
  static const ClassEstimate& of(const DumpEstimate& estimate, PageClass page_class) {
    return estimate.classes[static_cast<size_t>(page_class)];
  }

  FakeKernel fake_;
  TempDir folder_ = TempDir::create("estimate").value();
};

TEST_F(Estimate, CountsAndMeasuresEachClass) {
  const auto source = dump();
  for (const unsigned threads : {1u, 3u}) {
    const auto estimate =
        estimate_dump(*source, {.compression = {Compression::zstd, 0}, .threads = threads}, no_progress());
    ASSERT_TRUE(estimate) << why(estimate);
    EXPECT_TRUE(estimate->filtered);
    EXPECT_EQ(estimate->ram_pages, fake_.ram_pages());
    EXPECT_EQ(of(*estimate, PageClass::cache).pages, 1024u);
    EXPECT_EQ(of(*estimate, PageClass::user).pages, 512u);
    EXPECT_EQ(of(*estimate, PageClass::poisoned).pages, 8u);
    EXPECT_EQ(of(*estimate, PageClass::poisoned).sampled, 0u) << "they are not touched";
    const auto& cache = of(*estimate, PageClass::cache);
    EXPECT_GE(cache.sampled, 256u);
    EXPECT_NEAR(static_cast<double>(cache.zero), static_cast<double>(cache.sampled) / 2,
                static_cast<double>(cache.sampled) / 2)
        << "every second page, and every second of them is looked at";
    EXPECT_EQ(of(*estimate, PageClass::user).zero, 0u);
    EXPECT_EQ(estimate->pages_at(31), fake_.ram_pages() - 1024 - 512 - 8);
    EXPECT_EQ(estimate->pages_at(23), fake_.ram_pages() - 1024 - 8);
    EXPECT_GT(estimate->bytes_at(0), estimate->bytes_at(8));
    EXPECT_GT(estimate->bytes_at(8), estimate->bytes_at(31));
  }
}

// Noise does not compress, so the size is known.
TEST_F(Estimate, IsCloseToTheDump) {
  const auto source = dump();
  const auto estimate =
      estimate_dump(*source, {.compression = {Compression::zstd, 0}}, no_progress()).value();
  for (const int level : {31, 23}) {
    const std::string out = folder_.path() / "out";
    std::filesystem::remove(out);
    const UniqueFd fd = open_file(out, O_RDWR | O_CREAT, 0600).value();
    const CaptureOptions options{.levels = {level}};
    ASSERT_TRUE(capture_dump(*source, fd.get(), "out", options, no_progress()));
    const auto size = static_cast<double>(std::filesystem::file_size(out));
    EXPECT_NEAR(static_cast<double>(estimate.bytes_at(level)), size, size * 0.1) << level;
  }
}

TEST_F(Estimate, OfALargeMachineAPartIsScanned) {
  const auto source = dump();
  const auto whole = estimate_dump(*source, {}, no_progress()).value();
  EXPECT_EQ(whole.scanned_part, 1u);
  const auto part = estimate_dump(*source, {.most_chunks = 1}, no_progress()).value();
  EXPECT_EQ(part.scanned_part, divide_up(source->info().max_pfn, kChunkPages));
}

TEST_F(Estimate, WithoutKnowledgeOfTheKernelAllIsKept) {
  fake_.remove_key("SYMBOL(mem_section)");
  const auto source = dump();
  const auto estimate = estimate_dump(*source, {}, no_progress());
  ASSERT_TRUE(estimate) << why(estimate);
  EXPECT_FALSE(estimate->filtered);
  ASSERT_FALSE(estimate->warnings.empty());
  EXPECT_THAT(estimate->warnings.front(), HasSubstr("pages cannot be classified"));
  EXPECT_EQ(estimate->pages_at(31), fake_.ram_pages());
  EXPECT_GT(of(*estimate, PageClass::kernel).sampled, 0u);
}

}  // namespace
}  // namespace lifeboat
