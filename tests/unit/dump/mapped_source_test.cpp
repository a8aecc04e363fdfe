// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/mapped_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "src/base/log.h"
#include "src/base/size.h"
#include "tests/support/faults.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::FaultInjection;
using test::why;

// A file of several windows, and a last page that is not whole.
constexpr size_t kSize = 9_MiB + 100;

class MappedFile : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
    ASSERT_TRUE(write_file_atomically(path_, bytes_, 0600));
    source_ = mapped_byte_source(open_file(path_, O_RDONLY).value(), "vmcore", kSize);
  }
  void TearDown() override { log::set_sink({}); }
  void expect_read(uint64_t offset, size_t size) {
    std::vector<std::byte> out(size);
    const auto read = source_->read(offset, out);
    ASSERT_TRUE(read) << why(read);
    EXPECT_TRUE(std::equal(out.begin(), out.end(), bytes_.begin() + static_cast<ptrdiff_t>(offset)))
        << offset << " " << size;
  }

  TempDir folder_ = TempDir::create("mapped-source").value();
  std::string path_ = folder_.path() / "vmcore";
  std::vector<std::byte> bytes_ = test::noise(1, kSize);
  std::unique_ptr<ByteSource> source_;
};

TEST_F(MappedFile, ReadsAcrossWindowsAndToTheEnd) {
  for (const uint64_t offset : {uint64_t{0}, 4_MiB - 4_KiB, 4_MiB - 1, 4_MiB, 8_MiB + 3, kSize - 200_KiB}) {
    for (const size_t size : {size_t{1}, size_t{4_KiB}, size_t{64_KiB}, size_t{200_KiB}})
      expect_read(offset, size);
  }
  expect_read(0, kSize);
  expect_read(kSize, 0);
}

TEST_F(MappedFile, LongReadsNeedNoCall) {
  expect_read(0, 64_KiB);
  const FaultInjection fault(sys::Call::pread, 0, EIO, FaultInjection::Duration::for_good);
  expect_read(100, 1_MiB);
  expect_read(8, 8);
  EXPECT_FALSE(fault.fired());
  std::vector<std::byte> out(8);
  EXPECT_EQ(code_of(source_->read(5_MiB, out)), ErrorCode::io) << "a short read elsewhere maps nothing";
}

TEST_F(MappedFile, WhatCannotBeMappedIsRead) {
  // Not even a file: mmap(2) fails, pread(2) does not.
  const auto zeros = mapped_byte_source(open_file("/proc/self/mem", O_RDONLY).value(), "mem", UINT64_MAX / 2);
  std::vector<std::byte> out(bytes_.size());
  const auto read = zeros->read(reinterpret_cast<uint64_t>(bytes_.data()), out);
  ASSERT_TRUE(read) << why(read);
  EXPECT_EQ(out, bytes_);
}

TEST_F(MappedFile, BeyondTheEndIsAnError) {
  std::vector<std::byte> out(10);
  EXPECT_EQ(code_of(source_->read(kSize - 9, out)), ErrorCode::truncated);
  EXPECT_EQ(code_of(source_->read(UINT64_MAX, out)), ErrorCode::truncated);
}

TEST_F(MappedFile, SeveralThreadsRead) {
  ASSERT_TRUE(source_->parallel_reads());
  std::vector<std::thread> threads;
  for (size_t index = 0; index < 8; ++index) {
    threads.emplace_back([this, index] {
      for (size_t turn = 0; turn < 20; ++turn)
        expect_read((index * 977 + turn * 401) % 8000 * 1_KiB, 100_KiB);
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace lifeboat
