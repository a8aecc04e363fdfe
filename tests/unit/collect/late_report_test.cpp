// SPDX-License-Identifier: GPL-2.0-or-later
// The report that is made after the restart, in a child that may not take what it wants.
#include "src/collect/late_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>
#include <utility>

#include "capture/plan/capture_plan.h"
#include "capture/run/supervise.h"
#include "src/base/file.h"
#include "src/base/sys.h"
#include "tests/support/fake_system.h"
#include "tests/support/pipes.h"
#include "tests/support/results.h"
#include "tests/support/sanitized.h"

namespace lifeboat::collect {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::why;
using testing::HasSubstr;

class CollectReport : public testing::Test {
 protected:
  void SetUp() override {
    if (test::kSanitized)
      GTEST_SKIP() << "AddressSanitizer needs all the address space, which a report's child has not";
  }
  CollectReport() { fd_ = open_file(folder_.path(), O_RDONLY | O_DIRECTORY).value(); }
  // By another process: what it has allocated and freed is no room for the child that is limited.
  void add_dump() const {
    ASSERT_EQ(capture::supervise("dump", std::chrono::seconds(30),
                                 [&](capture::Heartbeat&) -> Result<> {
                                   test::FakeSystem().fake.write_elf(path(kDumpFile));
                                   return {};
                                 }),
              capture::Outcome::done);
  }
  void write(const std::string& name, std::string_view text) const {
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0600));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }

  TempDir folder_ = TempDir::create("collect-report-test").value();
  UniqueFd fd_;
};

TEST_F(CollectReport, IsTwoFilesThatNameTheDump) {
  add_dump();
  // What an attempt left that was interrupted.
  write("report.json.incomplete", "{");
  const auto json = write_report("/store/crash/vmcore", fd_.get());
  ASSERT_TRUE(json) << why(json);
  EXPECT_THAT(*json, HasSubstr("\"kind\": \"sysrq\""));
  EXPECT_THAT(read_text(path(kReportTextFile)).value(), HasSubstr("/store/crash/vmcore"));
  EXPECT_EQ(read_text(path(kReportJsonFile)).value(), *json);
}

TEST_F(CollectReport, LeavesTheTextOfTheCaptureKernelAlone) {
  add_dump();
  write(kReportTextFile, "of the capture kernel");
  ASSERT_TRUE(write_report("vmcore", fd_.get()));
  EXPECT_EQ(read_text(path(kReportTextFile)).value(), "of the capture kernel");
}

TEST_F(CollectReport, GivesTheReasonWhenThereIsNone) {
  EXPECT_THAT(why(write_report("vmcore", fd_.get())), HasSubstr("cannot open vmcore"));
  write(kDumpFile, "no dump");
  EXPECT_FALSE(write_report("vmcore", fd_.get()));
  EXPECT_FALSE(fs::exists(path(kReportJsonFile)));
}

// Nobody writes into it.
TEST_F(CollectReport, IsNotWaitedForAtAPipe) {
  ASSERT_EQ(::mkfifo(path(kDumpFile).c_str(), 0600), 0);
  EXPECT_FALSE(write_report("vmcore", fd_.get()));
}

TEST_F(CollectReport, TakesNoMoreMemoryThanItMay) {
  add_dump();
  // What earlier tests have freed is no room either.
  ::malloc_trim(0);
  const auto report = write_report("vmcore", fd_.get(), {.memory = 1});
  EXPECT_EQ(code_of(report), ErrorCode::corrupt);
  EXPECT_THAT(why(report), HasSubstr("memory"));
  EXPECT_FALSE(fs::exists(path(kReportJsonFile)));
}

// While it reads: by then a dump that takes it over can do nothing with it.
TEST_F(CollectReport, ReadsTheDumpWithoutPrivileges) {
  add_dump();
  const test::FamilyPipe reading, go_on;
  const pid_t self = ::getpid();
  bool first = true;
  sys::set_fault_hook([&](sys::Call call) {
    if (call == sys::Call::pread && ::getpid() != self && std::exchange(first, false)) {
      reading.send();
      EXPECT_TRUE(go_on.hears());
    }
    return 0;
  });
  // A process: a thread's memory would stay, and be room for a child of a later test.
  const pid_t onlooker = ::fork();
  if (onlooker == 0) {
    if (!reading.hears()) ::_exit(1);
    std::istringstream children(read_text(fmt::format("/proc/{0}/task/{0}/children", self)).value_or(""));
    pid_t child = 0;
    while (children >> child && child == ::getpid()) {
    }
    write("status", read_text(fmt::format("/proc/{}/status", child)).value_or(""));
    go_on.send();
    ::_exit(0);
  }
  const auto json = write_report("vmcore", fd_.get());
  sys::set_fault_hook({});
  EXPECT_TRUE(json) << why(json);
  const std::string status = read_text(path("status")).value_or("");
  for (const char* none : {"CapPrm:", "CapEff:"})
    EXPECT_THAT(status, HasSubstr(fmt::format("{}\t0000000000000000\n", none)));
  if (::geteuid() == 0) {
    EXPECT_THAT(status, HasSubstr("CapBnd:\t0000000000000000\n"));
  }
  EXPECT_THAT(status, HasSubstr("Seccomp:\t2\n"));
}

TEST_F(CollectReport, TakesNoMoreTimeThanItMay) {
  add_dump();
  EXPECT_EQ(code_of(write_report("vmcore", fd_.get(), {.time = std::chrono::seconds(0)})),
            ErrorCode::timeout);
}

}  // namespace
}  // namespace lifeboat::collect
