// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/machine_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "src/base/file.h"
#include "src/inspect/page_counts.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::inspect {
namespace {

using test::FakeKernel;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LogRecord record(uint64_t seconds, std::string text) {
  return {seconds, seconds * 1'000'000'000, 0, 6, 0, std::move(text)};
}

class Sys : public testing::Test {
 protected:
  void SetUp() override { temp_.emplace(TempDir::create("sys-test").value()); }
  [[nodiscard]] std::string path() const { return temp_->path() / "dump"; }
  [[nodiscard]] Session open() const { return Session::open(path()).value(); }
  CrashSummary crash(const std::vector<LogRecord>& records) {
    FakeKernel fake;
    fake.set_log(records, 6, 13);
    fake.write_elf(path());
    const auto session = open();
    return summarize(session).crash.value();
  }
  static Result<PageCounts> pages(const Session& session) {
    return count_pages(session, std::chrono::minutes(1));
  }
  static const PageCounts::Class& of(const PageCounts& counts, PageClass page_class) {
    return counts.of_class.at(static_cast<size_t>(page_class));
  }
  std::optional<TempDir> temp_;
};

TEST_F(Sys, ElfHasEverything) {
  FakeKernel fake;
  fake.set_log({record(1, "Linux version"), record(100, "sysrq: Trigger a crash"),
                record(101, "Kernel panic - not syncing: sysrq triggered crash")});
  fake.set_compound(64, 3, {.flags = test::kFakeLru});
  fake.set_utsname({"Linux", "host", "6.12.9", "#2 SMP", "x86_64", ""});
  fake.write_elf(path(), 3);
  const auto session = open();
  const auto summary = summarize(session);
  EXPECT_EQ(summary.format, DumpFormat::elf);
  EXPECT_FALSE(summary.compression);
  EXPECT_FALSE(summary.dump_level);
  EXPECT_THAT(summary.missing, IsEmpty());
  EXPECT_EQ(summary.cpus, 3);
  EXPECT_EQ(summary.ram_pages, 8192u);
  EXPECT_EQ(summary.uts.value().nodename, "host");
  EXPECT_EQ(summary.uts.value().release, "6.12.9");
  EXPECT_EQ(summary.crash_time.value(), 1700000000u);
  EXPECT_EQ(summary.crash.value().uptime_nanoseconds, 101'000'000'000u);
  EXPECT_EQ(summary.crash.value().panic, "Kernel panic - not syncing: sysrq triggered crash");
  EXPECT_EQ(summary.crash.value().cause, "sysrq: Trigger a crash");
  const auto counts = pages(session);
  ASSERT_TRUE(counts);
  EXPECT_EQ(of(*counts, PageClass::cache).pages, 8u);
  EXPECT_EQ(of(*counts, PageClass::kernel).pages, 8184u);
  EXPECT_THAT(counts->notes, IsEmpty());
}

TEST_F(Sys, KdumpReportsWhatWasLeftOut) {
  FakeKernel fake;
  fake.set_compound(64, 3, {.flags = test::kFakeLru});
  fake.write_kdump(path(), {64, 65, 66}, 31);
  const auto session = open();
  const auto summary = summarize(session);
  EXPECT_EQ(summary.format, DumpFormat::kdump);
  EXPECT_EQ(summary.dump_level, 31);
  EXPECT_THAT(summary.missing, IsEmpty());
  EXPECT_EQ(summary.stored_pages, 8189u);
  const auto counts = pages(session);
  ASSERT_TRUE(counts) << counts.error().to_string();
  EXPECT_EQ(of(*counts, PageClass::cache).pages, 8u);
  EXPECT_EQ(of(*counts, PageClass::cache).stored, 5u);
}

TEST_F(Sys, UnfinishedDumpIsMarked) {
  FakeKernel().write_kdump(path(), {}, 31, false);
  const auto session = open();
  EXPECT_THAT(summarize(session).missing, ElementsAre(HasSubstr("marked as incomplete")));
}

TEST_F(Sys, TruncatedDumpsAreMarkedAndTheRestIsShown) {
  for (const bool elf : {true, false}) {
    FakeKernel fake;
    // The end of an ELF file is the end of memory; that of a KDUMP file the last page that is not zero.
    fake.memory().write64((fake.ram_pages() - 1) * kPageSize, 1);
    if (elf) {
      fake.write_elf(path());
    } else {
      fake.write_kdump(path(), {}, 31);
    }
    std::filesystem::resize_file(path(), std::filesystem::file_size(path()) - 100);
    const auto session = open();
    const auto summary = summarize(session);
    EXPECT_THAT(summary.missing, testing::Contains(HasSubstr("the end")));
    EXPECT_EQ(summary.uts.value().nodename, "node");
    EXPECT_TRUE(pages(session));
  }
}

TEST_F(Sys, FilteredMemMapIsReportedNotCounted) {
  FakeKernel fake;
  std::vector<uint64_t> left_out;
  const auto memory = fake.open();
  for (uint64_t pfn = 0; pfn < fake.ram_pages(); pfn += kPageSize / test::kFakePageSize)
    left_out.push_back(memory.translate(FakeKernel::page_address(pfn)).value() / kPageSize);
  fake.write_kdump(path(), left_out, 31);
  const auto session = open();
  const auto counts = pages(session);
  ASSERT_FALSE(counts);
  EXPECT_THAT(counts.error().message, HasSubstr("mem_map"));
}

TEST_F(Sys, PartOfTheMemMapMissingIsNoted) {
  FakeKernel fake;
  const uint64_t lost = fake.open().translate(FakeKernel::page_address(64)).value() / kPageSize;
  fake.write_kdump(path(), {lost}, 31);
  const auto session = open();
  const auto counts = pages(session);
  ASSERT_TRUE(counts);
  EXPECT_THAT(counts->notes, ElementsAre(HasSubstr("64 page frames")));
}

TEST_F(Sys, TimeThatIsUpIsNoted) {
  FakeKernel().write_elf(path());
  const auto session = open();
  const auto counts = count_pages(session, std::chrono::milliseconds(0));
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->pages_left, 8192u);
  EXPECT_THAT(counts->notes, ElementsAre(HasSubstr("time limit reached")));
}

TEST_F(Sys, WithoutKeysTheRestIsShown) {
  for (const std::string key : {"SYMBOL(prb)", "SYMBOL(mem_section)", "CRASHTIME", "SYMBOL(init_uts_ns)"}) {
    FakeKernel fake;
    fake.set_log({record(1, "hello")});
    fake.remove_key(key);
    fake.write_elf(path());
    const auto session = open();
    const auto summary = summarize(session);
    EXPECT_EQ(summary.crash.has_value(), key != "SYMBOL(prb)");
    EXPECT_EQ(pages(session).has_value(), key != "SYMBOL(mem_section)");
    EXPECT_EQ(summary.crash_time.has_value(), key != "CRASHTIME");
    EXPECT_EQ(summary.uts.value().release, "6.12.0-fake");
  }
}

TEST_F(Sys, GarbledVmcoreinfoLeavesTheContainer) {
  FakeKernel fake;
  fake.remove_key("OSRELEASE");
  fake.write_elf(path());
  const auto session = open();
  const auto summary = summarize(session);
  EXPECT_EQ(summary.ram_pages, 8192u);
  EXPECT_EQ(summary.uts.error().code, ErrorCode::corrupt);
  EXPECT_EQ(summary.crash.error().code, ErrorCode::corrupt);
  EXPECT_EQ(pages(session).error().code, ErrorCode::corrupt);
}

TEST_F(Sys, OopsWithoutAPanicLine) {
  const auto found =
      crash({record(1, "Linux version"), record(50, "BUG: kernel NULL pointer dereference, address: 0"),
             record(50, "Oops: 0002 [#1] PREEMPT SMP"), record(51, "RIP: 0010:f+0x1/0x2")});
  EXPECT_FALSE(found.panic);
  EXPECT_EQ(found.cause, "BUG: kernel NULL pointer dereference, address: 0");
}

TEST_F(Sys, OldTroubleIsAnotherCrash) {
  const auto found =
      crash({record(1, "BUG: something old"), record(500, "Kernel panic - not syncing: hung_task")});
  EXPECT_EQ(found.panic, "Kernel panic - not syncing: hung_task");
  EXPECT_FALSE(found.cause);
}

TEST_F(Sys, LastOfSeveralPanicsAndLinesWithinARecord) {
  const auto found = crash({record(1, "Kernel panic - not syncing: first"), record(2, "x\nBUG: inner\ny"),
                            record(3, "a\nKernel panic - not syncing: last\nb"), record(4, "BUG: after")});
  EXPECT_EQ(found.panic, "Kernel panic - not syncing: last");
  EXPECT_EQ(found.cause, "BUG: inner");
  EXPECT_EQ(found.uptime_nanoseconds, 4'000'000'000u);
}

TEST_F(Sys, LogIsThatOfTheKernel) {
  FakeKernel fake;
  fake.set_log({record(1, "one"), record(2, "two")});
  fake.write_elf(path());
  const auto session = open();
  EXPECT_EQ(format_log(session.log().value()), "[    1.000000] one\n[    2.000000] two\n");
}

TEST_F(Sys, WhatIsNoDumpIsNotOpened) {
  ASSERT_TRUE(write_file_atomically(path(), as_byte_span("hello"), 0600));
  EXPECT_FALSE(Session::open(path()));
  EXPECT_EQ(Session::open(path() + "x").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace lifeboat::inspect
