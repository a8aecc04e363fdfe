// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/capture_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "src/base/log.h"
#include "src/dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/faults.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::FaultInjection;
using test::why;
using testing::Contains;
using testing::HasSubstr;

class CaptureFile : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([this](log::Level, std::string_view text) { logged_.emplace_back(text); });
    const auto bytes = test::ElfBuilder().cpu().load(0x1000, test::patterned_pages(1, 30)).build();
    ASSERT_TRUE(write_file_atomically(path("vmcore"), bytes, 0600));
    source_ = Dump::open(path("vmcore")).value();
    options_.levels = {0};
  }
  void TearDown() override { log::set_sink({}); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  Result<CaptureReport> capture(const std::string& dest, const std::string& source_name = "vmcore") {
    return capture_file(*source_, source_name, dest, options_, no_progress());
  }
  [[nodiscard]] bool has(const std::string& name) const { return fs::exists(path(name)); }

  TempDir folder_ = TempDir::create("capture-file-test").value();
  std::unique_ptr<Dump> source_;
  CaptureOptions options_;
  std::vector<std::string> logged_;
};

TEST_F(CaptureFile, AWholeDumpHasItsName) {
  const auto report = capture(path("dump"));
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->outcome, DumpOutcome::whole);
  EXPECT_TRUE(has("dump"));
  EXPECT_FALSE(has(std::string("dump") + kIncompleteSuffix));
}

TEST_F(CaptureFile, NothingIsOverwritten) {
  ASSERT_TRUE(write_file_atomically(path("dump"), as_byte_span("older"), 0600));
  EXPECT_EQ(code_of(capture(path("dump"))), ErrorCode::usage);
  EXPECT_EQ(read_text(path("dump")).value(), "older");
}

TEST_F(CaptureFile, NeedsTheNameOfAFile) {
  for (const char* dest : {"", "/", "..", "."}) EXPECT_FALSE(capture(path("") + dest)) << dest;
  EXPECT_EQ(code_of(capture(path("nowhere/dump"))), ErrorCode::not_found);
}

TEST_F(CaptureFile, AFailedOneLeavesNothing) {
  const FaultInjection fault(sys::Call::pwrite, 3, EIO);
  EXPECT_FALSE(capture(path("dump")));
  EXPECT_FALSE(has("dump"));
  EXPECT_FALSE(has(std::string("dump") + kIncompleteSuffix));
}

// Any file of /proc serves: what is there is gone after the reboot.
TEST_F(CaptureFile, WhatIsLostAtTheRebootIsKept) {
  const FaultInjection fault(sys::Call::pwrite, 3, EIO);
  EXPECT_FALSE(capture(path("dump"), "/proc/self/stat"));
  EXPECT_FALSE(has("dump"));
  EXPECT_TRUE(has(std::string("dump") + kIncompleteSuffix));
  EXPECT_THAT(logged_, Contains(HasSubstr("marked incomplete")));
}

TEST_F(CaptureFile, AFullDiskHasAHint) {
  for (const int error_number : {ENOSPC, EFBIG}) {
    const FaultInjection fault(sys::Call::pwrite, 3, error_number, FaultInjection::Duration::for_good);
    const auto report = capture(path("dump"));
    ASSERT_FALSE(report) << error_number;
    EXPECT_THAT(report.error().fix, HasSubstr("--level")) << error_number;
  }
}

}  // namespace
}  // namespace lifeboat
