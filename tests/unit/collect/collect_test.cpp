// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/collect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/plan/capture_plan.h"
#include "src/base/sys.h"
#include "tests/support/faults.h"
#include "tests/support/whole_dump.h"

namespace lifeboat::collect {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr uint64_t kNow = 1'795'500'000;
constexpr const char* kOldBoot = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";

// Is marked whole, and cannot be read.
const std::string kDump = test::whole_dump().substr(0, 4096);

class Collect : public testing::Test {
 protected:
  Collect() {
    fs::create_directories(path("store"));
    paths_.pstore = {path("pstore"), path("systemd-pstore")};
    paths_.notice = path("run/motd.d/lifeboat");
    paths_.rehearsal = path("lib/rehearsal.json");
    paths_.pending = path("lib/pending.json");
    paths_.boot_id = path("boot_id");
    write("boot_id", "ffffffff-0000-4000-8000-000000000000\n");
    config_.targets = {{.path = path("store")}};
    // The made-up dumps here are no dumps.
    config_.collect.report = false;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void write(const std::string& name, std::string_view text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0600));
  }
  // Of a crash on 2026-11-23 08:42:28 unless set otherwise.
  void write_record(const std::string& name, std::string_view text, time_t time = 1'795'423'348) const {
    write(name, text);
    const timespec times[2] = {{.tv_sec = time, .tv_nsec = 0}, {.tv_sec = time, .tv_nsec = 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path(name).c_str(), times, 0), 0);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    return read_text(path(name)).value_or("(none)");
  }
  void add_crash(const std::string& name, const char* dump, const CrashRecord& record = {}) const {
    write("store/" + name + "/" + dump, kDump);
    write("store/" + name + "/" + kLogFile, "log");
    write("store/" + name + "/" + kCrashRecordFile, to_json_text(record));
  }
  Collection run(Scope scope = Scope::machine) {
    return collect(open_stores(config_.targets, Access::change), config_, scope, paths_, kNow);
  }
  // The next boot.
  void restart() const {
    fs::remove(paths_.notice);
    write("boot_id", "eeeeeeee-0000-4000-8000-000000000000\n");
  }

  TempDir folder_ = TempDir::create("collect-test").value();
  CollectPaths paths_;
  config::Config config_;
};

TEST_F(Collect, ReportsANewCrashOnce) {
  add_crash("20261123T084228Z-1b4e28ba", kDumpFile, {.panic = "Kernel panic - not syncing: test"});
  auto collection = run();
  ASSERT_THAT(collection.crashes, SizeIs(1));
  EXPECT_EQ(collection.crashes[0].crash.outcome, CrashOutcome::whole);
  EXPECT_EQ(collection.crashes[0].crash.record->collected, kNow);
  EXPECT_THAT(collection.crashes[0].problems, IsEmpty());
  EXPECT_THAT(read("run/motd.d/lifeboat"),
              HasSubstr("2026-11-23 08:42:28 UTC: Kernel panic - not syncing: test"));
  EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr("lifeboat inspect " + path("store")));
}

TEST_F(Collect, TheNoticeCommandsNoTerminal) {
  add_crash("20261123T084228Z", kDumpFile, {.panic = "\033]0;owned\aP\nThis machine is fine"});
  run();
  EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr(R"(\x1b]0;owned\x07P\x0aThis machine is fine)"));
}

TEST_F(Collect, TheNoticeCanBePasted) {
  config_.targets = {{.path = path("my dumps")}};
  write("my dumps/20261123T084228Z/" + std::string(kDumpFile), kDump);
  run();
  EXPECT_THAT(read("run/motd.d/lifeboat"),
              HasSubstr("lifeboat inspect '" + path("my dumps/20261123T084228Z/vmcore'")));
  const Store store{.folder = "/my crashes", .device = "LABEL=my dumps", .fd = {}};
  EXPECT_EQ(command_for("ls", store, "c", ""), "mount 'LABEL=my dumps' /mnt; ls '/mnt/my crashes/c'");
}

TEST_F(Collect, TheNoticeStaysUntilTheNextBoot) {
  add_crash("20261123T084228Z-1b4e28ba", kDumpFile);
  EXPECT_THAT(run().crashes, SizeIs(1));
  EXPECT_THAT(run().crashes, IsEmpty());
  EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr("2026-11-23 08:42:28 UTC"));
  // Another one appears in the same boot, on a disk that came late.
  add_crash("20261122T084228Z-00000000", kDumpFile);
  EXPECT_THAT(run().crashes, SizeIs(1));
  EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr("2026-11-23 08:42:28 UTC"));
  EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr("2026-11-22 08:42:28 UTC"));
  restart();
  EXPECT_THAT(run().crashes, IsEmpty());
  EXPECT_FALSE(fs::exists(paths_.notice)) << "nothing new: no notice";
}

TEST_F(Collect, ANoticeThatCannotBeRemovedIsAProblem) {
  write("run/motd.d/lifeboat", "of an earlier crash\n");
  const test::FaultInjection fault(sys::Call::unlink, 0, EROFS);
  EXPECT_THAT(run().problems, ElementsAre(HasSubstr("cannot remove " + paths_.notice)));
}

TEST_F(Collect, WhatIsThrownAwayIsNotInTheNotice) {
  config_.retention = {.keep = 1};
  add_crash("20261122T084228Z", kDumpFile);
  add_crash("20261123T084228Z", kDumpFile);
  EXPECT_THAT(run().removed, IsEmpty()) << "both are new";
  EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr("2026-11-22"));
  // By 'lifeboat prune'.
  fs::remove_all(path("store/20261122T084228Z"));
  EXPECT_THAT(run().crashes, IsEmpty());
  EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr("2026-11-23"));
  EXPECT_THAT(read("run/motd.d/lifeboat"), Not(HasSubstr("2026-11-22")));
}

// A folder that was named may be of another machine.
TEST_F(Collect, OfANamedFolderOnlyTheFolderIsTouched) {
  ASSERT_TRUE(arming::save_pending_rehearsal({.boot_id = kOldBoot}, paths_.pending));
  add_crash("20261123T084228Z", kDumpFile, {.boot_id = kOldBoot});
  write_record("pstore/dmesg-efi-1", "one");
  write("run/motd.d/lifeboat", "before\n");
  const auto collection = run(Scope::folder);
  EXPECT_THAT(collection.crashes, SizeIs(1));
  EXPECT_FALSE(collection.rehearsal);
  EXPECT_TRUE(arming::read_pending_rehearsal(paths_.pending));
  EXPECT_EQ(read("run/motd.d/lifeboat"), "before\n");
  EXPECT_EQ(read("pstore/dmesg-efi-1"), "one");
  // What is of this machine comes by the next run over all of it.
  EXPECT_TRUE(run().rehearsal->whole);
  EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr("2026-11-23"));
}

TEST_F(Collect, OneBadStoreCostsTheOthersNothing) {
  fs::create_directories(path("elsewhere"));
  fs::create_directories(path("open"));
  fs::permissions(path("open"), fs::perms::all);
  fs::create_directory_symlink(path("elsewhere"), path("open/link"));
  write("file", "no folder");
  config_.targets = {{.path = path("open/link")},
                     {.path = path("file")},
                     {.path = path("not-there-yet")},
                     {.path = "/crash", .device = "/dev/no-such-device"},
                     {.path = path("store")}};
  add_crash("20261123T084228Z", kDumpFile);
  const auto collection = run();
  EXPECT_THAT(collection.crashes, SizeIs(1));
  EXPECT_THAT(collection.problems, ElementsAre(HasSubstr(path("open/link")), HasSubstr(path("file")),
                                               HasSubstr("/dev/no-such-device")));
}

TEST_F(Collect, TwoTargetsMayBeOneFolder) {
  config_.targets = {{.path = path("store")}, {.path = path("store") + "/."}};
  add_crash("20261123T084228Z", kDumpFile);
  EXPECT_THAT(run().crashes, SizeIs(1));
}

TEST_F(Collect, AReportThatIsThereIsTakenOver) {
  add_crash("20261123T084228Z", kDumpFile);
  write("store/20261123T084228Z/report.json", R"({"kind": "sysrq", "crash": {"panic": "P"}})");
  fs::remove(path("store/20261123T084228Z/manifest.json"));
  EXPECT_EQ(run().crashes.at(0).crash.record->kind, "sysrq");
}

TEST_F(Collect, CollectsACrashWithoutARecord) {
  write("store/20261123T084228Z/" + std::string(kIncompleteDumpFile), "half");
  const auto collection = run();
  ASSERT_THAT(collection.crashes, SizeIs(1));
  EXPECT_EQ(collection.crashes[0].crash.record->outcome, CrashOutcome::incomplete);
  EXPECT_EQ(collection.crashes[0].crash.record->crash_time, 1795423348U);
  EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr("Its dump: incomplete"));
  EXPECT_THAT(run().crashes, IsEmpty());
}

TEST_F(Collect, ADumpThatMissesSomePagesIsReported) {
  config_.collect.report = true;
  add_crash("20261123T084228Z", kIncompleteDumpFile, {.dump = DumpOutcome::incomplete, .lost_pages = 3});
  const auto collection = run();
  ASSERT_THAT(collection.crashes, SizeIs(1));
  EXPECT_EQ(collection.crashes[0].crash.dump(), DumpOutcome::incomplete);
  EXPECT_EQ(collection.crashes[0].crash.record->dump, DumpOutcome::incomplete);
  EXPECT_THAT(collection.crashes[0].problems, ElementsAre(HasSubstr("the report: "))) << "it was tried";
  EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr("3 pages could not be read). See: lifeboat inspect "));
}

TEST_F(Collect, ADumpThatCannotBeReadCostsOnlyItsReport) {
  config_.collect.report = true;
  add_crash("20261123T084228Z", kDumpFile);
  const auto collection = run();
  ASSERT_THAT(collection.crashes, SizeIs(1));
  EXPECT_THAT(collection.crashes[0].problems, ElementsAre(HasSubstr("the report: ")));
  EXPECT_TRUE(collection.crashes[0].crash.record->collected);
}

TEST_F(Collect, NoLinkIsFollowedFromACrash) {
  config_.collect.report = true;
  add_crash("20261123T084228Z", kLogFile);
  write("secret", "secret");
  fs::create_symlink(path("secret"), path("store/20261123T084228Z/vmcore"));
  fs::create_symlink(path("store/20261123T084228Z"), path("store/20261124T084228Z"));
  const auto collection = run();
  ASSERT_THAT(collection.crashes, SizeIs(1)) << "a link is no crash";
  EXPECT_EQ(collection.crashes[0].crash.outcome, CrashOutcome::log_only);
}

// As configured: complete, with what there is to read. Else it says what is wrong.
TEST_F(Collect, ACrashWithoutADumpIsNamedForWhatItIs) {
  config_.collect.report = true;  // of nothing
  struct Case {
    CrashRecord record;
    const char* notice;
  };
  for (const auto& [record, notice] :
       {Case{{.dump = DumpOutcome::log_only}, "Its dump: log only, as configured. See: less "},
        Case{{.dump = DumpOutcome::log_only, .fell_back = true}, "too small for the dump). See: less "},
        Case{{.dump = DumpOutcome::failed}, "Its dump: log only. See: ls "}}) {
    fs::remove_all(path("store/20261123T084228Z"));
    add_crash("20261123T084228Z", kLogFile, record);
    const auto collection = run();
    ASSERT_THAT(collection.crashes, SizeIs(1));
    EXPECT_THAT(collection.crashes[0].problems, IsEmpty());
    EXPECT_EQ(collection.crashes[0].crash.record->dump, record.dump);
    EXPECT_EQ(collection.crashes[0].crash.record->fell_back, record.fell_back);
    EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr(notice));
  }
}

TEST_F(Collect, PstoreGoesToTheNewestNewCrash) {
  add_crash("20261122T084228Z", kDumpFile);
  add_crash("20261123T084228Z", kDumpFile);
  write_record("pstore/dmesg-efi-1", "one");
  write_record("systemd-pstore/1795423348/001/dmesg.txt", "two");
  const auto collection = run();
  ASSERT_THAT(collection.crashes, SizeIs(2));
  EXPECT_EQ(collection.crashes[0].pstore_records, 2U);
  EXPECT_EQ(read("store/20261123T084228Z/pstore/dmesg-efi-1"), "one");
  EXPECT_EQ(read("store/20261123T084228Z/pstore/1795423348-001-dmesg.txt"), "two");
  EXPECT_TRUE(fs::is_empty(path("pstore")));
  EXPECT_TRUE(fs::is_empty(path("systemd-pstore")));
}

TEST_F(Collect, PstoreGoesToTheNewestOfAllStores) {
  config_.targets = {{.path = path("store")}, {.path = path("second")}};
  add_crash("20261122T084228Z", kDumpFile);
  write("second/20261123T084228Z/" + std::string(kDumpFile), kDump);
  write_record("pstore/dmesg-efi-1", "one");
  EXPECT_THAT(run().crashes, SizeIs(2));
  EXPECT_EQ(read("second/20261123T084228Z/pstore/dmesg-efi-1"), "one");
}

TEST_F(Collect, PstoreIsNotOfACrashThatCameToLightLater) {
  add_crash("20261123T084228Z", kDumpFile, {.collected = kNow - 100});
  add_crash("20261122T084228Z", kDumpFile);
  write_record("pstore/dmesg-efi-1", "one");
  EXPECT_THAT(run().crashes, SizeIs(1));
  EXPECT_EQ(read("pstore/dmesg-efi-1"), "one");
}

TEST_F(Collect, PstoreStaysWhenThereIsNoNewCrash) {
  write_record("pstore/dmesg-efi-1", "one");
  EXPECT_THAT(run().crashes, IsEmpty());
  EXPECT_EQ(read("pstore/dmesg-efi-1"), "one");
}

// efi_pstore is a module: it may be loaded after the crash was collected.
TEST_F(Collect, PstoreOfALateDriverGoesToTheCrashThatIsCollectedAlready) {
  add_crash("20261123T084228Z", kDumpFile);
  EXPECT_THAT(run().crashes, SizeIs(1));
  write_record("pstore/dmesg-efi-1", "one", 1'795'423'348 - 1);
  write_record("pstore/dmesg-efi-2", "of the same second");
  const auto collection = run();
  EXPECT_THAT(collection.crashes, IsEmpty());
  ASSERT_TRUE(collection.pstore_late);
  EXPECT_EQ(collection.pstore_late->folder, path("store/20261123T084228Z"));
  EXPECT_EQ(collection.pstore_late->records, 2U);
  EXPECT_EQ(read("store/20261123T084228Z/pstore/dmesg-efi-1"), "one");
  EXPECT_THAT(collection.pstore_left, IsEmpty());
  EXPECT_TRUE(fs::is_empty(path("pstore")));
  EXPECT_FALSE(run().pstore_late);
  // As late as in the next boot.
  restart();
  write_record("pstore/dmesg-efi-1", "and one more");
  EXPECT_TRUE(run().pstore_late);
  EXPECT_EQ(read("store/20261123T084228Z/pstore/dmesg-efi-1-2"), "and one more");
}

// It is of an oops in this boot, or of a later crash whose capture kernel did not start.
TEST_F(Collect, PstoreOfALateDriverFromAfterTheCrashIsReported) {
  add_crash("20261123T084228Z", kDumpFile);
  run();
  write_record("pstore/dmesg-efi-1", "later", 1'795'423'348 + 61);
  write_record("pstore/dmesg-efi-2", "long before", 1'795'423'348 - 3601);
  const auto collection = run();
  EXPECT_FALSE(collection.pstore_late);
  EXPECT_THAT(collection.pstore_left, SizeIs(2));
  EXPECT_FALSE(fs::exists(path("store/20261123T084228Z/pstore")));
  EXPECT_THAT(read("run/motd.d/lifeboat"), HasSubstr("2 records in pstore"));
}

// Its file has the time of this boot, but only the boot before can have written it.
TEST_F(Collect, PstoreWithoutATimeIsOfTheCrashBeforeThisBoot) {
  add_crash("20261123T084228Z", kDumpFile);
  run();
  for (const char* name : {"console-ramoops-0", "pmsg-ramoops-0", "ftrace-ramoops-0"})
    write_record(std::string("pstore/") + name, name, kNow);
  EXPECT_EQ(run().pstore_late->records, 3U);
  restart();
  write_record("pstore/console-ramoops-0", "of another boot", kNow);
  EXPECT_FALSE(run().pstore_late);
}

TEST_F(Collect, PstoreOfALateDriverIsLeftAloneWhereItIsNotWanted) {
  add_crash("20261123T084228Z", kDumpFile);
  run();
  write_record("pstore/dmesg-efi-1", "one");
  EXPECT_FALSE(run(Scope::folder).pstore_late) << "another machine's crash";
  config_.collect.pstore = false;
  EXPECT_FALSE(run().pstore_late);
  EXPECT_EQ(read("pstore/dmesg-efi-1"), "one");
  config_.collect.pstore = true;
  const test::FaultInjection fault(sys::Call::write, 0, ENOSPC, test::FaultInjection::Duration::for_good);
  const auto collection = run();
  ASSERT_TRUE(collection.pstore_late);
  EXPECT_EQ(collection.pstore_late->records, 0U);
  EXPECT_THAT(collection.problems, testing::Contains(HasSubstr("pstore: ")));
}

TEST_F(Collect, PstoreFromLongBeforeIsNotOfTheCrash) {
  add_crash("20261123T084228Z", kDumpFile);
  write_record("systemd-pstore/1700000000/dmesg.txt", "of 2023", 1'700'000'000);
  write_record("pstore/dmesg-efi-1", "half an hour before", 1'795'423'348 - 1800);
  const auto collection = run();
  EXPECT_EQ(collection.crashes.at(0).pstore_records, 1U);
  EXPECT_EQ(read("systemd-pstore/1700000000/dmesg.txt"), "of 2023");
  ASSERT_THAT(collection.pstore_left, SizeIs(1));
  EXPECT_EQ(collection.pstore_left[0].path, path("systemd-pstore/1700000000/dmesg.txt"));
}

// The capture kernel never started: these are all there is.
TEST_F(Collect, PstoreWithoutACrashIsReported) {
  write_record("pstore/dmesg-efi-1", "one");
  auto collection = run();
  ASSERT_THAT(collection.pstore_left, SizeIs(1));
  EXPECT_EQ(collection.pstore_left[0].time, 1'795'423'348U);
  EXPECT_THAT(read("run/motd.d/lifeboat"),
              HasSubstr("1 record in pstore without a saved crash, the newest of 2026-11-23 08:42:28 UTC.\n"
                        "  less " +
                        path("pstore/dmesg-efi-1")));
  EXPECT_THAT(run(Scope::folder).pstore_left, IsEmpty()) << "they are this machine's";
  config_.collect.pstore = false;
  EXPECT_THAT(run().pstore_left, IsEmpty());
  EXPECT_FALSE(fs::exists(paths_.notice));
}

TEST_F(Collect, AppliesTheRetention) {
  config_.retention = {.keep = 2};
  for (const char* name : {"20261120T084228Z", "20261121T084228Z", "20261122T084228Z"})
    add_crash(name, kDumpFile);
  const auto collection = run();
  EXPECT_THAT(collection.crashes, SizeIs(3));
  EXPECT_THAT(collection.removed, IsEmpty()) << "nobody has seen them yet";
  EXPECT_THAT(run().removed, IsEmpty()) << "nor in this boot";
  restart();
  EXPECT_THAT(run().removed, ElementsAre(HasSubstr("20261120T084228Z: more than 2 crashes")));
  EXPECT_FALSE(fs::exists(path("store/20261120T084228Z")));
}

TEST_F(Collect, TheRetentionTakesNotWhatHasJustArrivedByAWrongClock) {
  config_.retention = {.keep = 5};
  for (const char* name :
       {"20261119T084228Z", "20261120T084228Z", "20261121T084228Z", "20261122T084228Z", "20261123T084228Z"})
    add_crash(name, kDumpFile, {.collected = kNow - 100});
  add_crash("20000101T000000Z-deadbeef", kDumpFile);
  const auto collection = run();
  EXPECT_THAT(collection.crashes, SizeIs(1));
  EXPECT_THAT(collection.removed, ElementsAre(HasSubstr("20261119T084228Z: more than 5 crashes")));
  EXPECT_TRUE(fs::exists(path("store/20000101T000000Z-deadbeef")));
  EXPECT_THAT(run().removed, IsEmpty());
}

TEST_F(Collect, RunsTheCommandWithTheFolder) {
  write("notify", "#!/bin/sh\necho \"$1\" >" + path("notified") + "\n");
  fs::permissions(path("notify"), fs::perms::owner_all);
  config_.collect.command = path("notify");
  add_crash("20261123T084228Z", kDumpFile);
  EXPECT_THAT(run().crashes[0].problems, IsEmpty());
  EXPECT_EQ(read("notified"), path("store/20261123T084228Z\n"));
}

TEST_F(Collect, ACommandThatFailsIsReported) {
  config_.collect.command = "/bin/false";
  add_crash("20261123T084228Z", kDumpFile);
  EXPECT_THAT(run().crashes[0].problems, ElementsAre(HasSubstr("/bin/false ended with 1")));
}

TEST_F(Collect, ACommandThatFailedIsTriedAgain) {
  write("notify", "#!/bin/sh\necho \"$1\" >>" + path("notified") + "\ntest -e " + path("network") + "\n");
  fs::permissions(path("notify"), fs::perms::owner_all);
  config_.collect.command = path("notify");
  add_crash("20261123T084228Z", kDumpFile);
  EXPECT_THAT(run().crashes.at(0).problems, ElementsAre(HasSubstr("try 1 of 5: the next")));
  restart();
  auto collection = run();
  EXPECT_THAT(collection.crashes, IsEmpty());
  EXPECT_THAT(collection.problems, ElementsAre(HasSubstr("notify ended with 1:  (try 2 of 5")));
  ASSERT_THAT(collection.retried, SizeIs(1));
  EXPECT_FALSE(collection.retried[0].succeeded);
  write("network", "up");
  collection = run();
  EXPECT_TRUE(collection.retried.at(0).succeeded);
  EXPECT_THAT(collection.problems, IsEmpty());
  EXPECT_THAT(run().retried, IsEmpty()) << "done";
  const std::string line = path("store/20261123T084228Z\n");
  EXPECT_EQ(read("notified"), line + line + line);
}

TEST_F(Collect, ACommandThatAlwaysFailsIsGivenUp) {
  config_.collect.command = "/bin/false";
  add_crash("20261123T084228Z", kDumpFile);
  // One that had succeeded, or was collected before there was a command.
  add_crash("20261122T084228Z", kDumpFile, {.collected = kNow - 100});
  EXPECT_THAT(run().crashes, SizeIs(1));
  for (uint64_t tries = 2; tries <= 5; ++tries) EXPECT_THAT(run().retried, SizeIs(1)) << tries;
  EXPECT_THAT(run().retried, IsEmpty());
}

// The try is on the disk before the command runs: the machine may go down by it.
TEST_F(Collect, ACommandThatIsCutOffCountsAsTried) {
  write("notify", "#!/bin/sh\ncp \"$1/manifest.json\" " + path("seen") + "\n");
  fs::permissions(path("notify"), fs::perms::owner_all);
  config_.collect.command = path("notify");
  add_crash("20261123T084228Z", kDumpFile);
  EXPECT_THAT(run().crashes.at(0).problems, IsEmpty());
  EXPECT_THAT(read("seen"), HasSubstr("\"command_tries\": 1"));
  EXPECT_THAT(read("store/20261123T084228Z/manifest.json"), HasSubstr("\"command_tries\": 0"));
}

// In a store where others may rename folders.
class SharedStore : public Collect {
 protected:
  SharedStore() {
    write("notify", "#!/bin/sh\nstat -L -c %u \"$1\" >>" + path("owners") + "\ncat \"$1/vmcore\" >>" +
                        path("dumps") + "\n");
    fs::permissions(path("notify"), fs::perms::owner_all);
    config_.collect.command = path("notify");
    add_crash("20261123T084228Z", kDumpFile);
    fs::permissions(path("store"), fs::perms::all);
  }
};

TEST_F(SharedStore, TheCommandGetsTheFolderThatWasLookedAt) {
  EXPECT_THAT(run().crashes.at(0).problems, IsEmpty());
  EXPECT_TRUE(read("dumps") == kDump);
  const UniqueFd store = open_file(path("store"), O_RDONLY | O_DIRECTORY).value();
  const Store open{.folder = path("store"), .device = {}, .filesystem = {}, .fd = {}};
  EXPECT_EQ(open.crash_path("20261123T084228Z", store.get()),
            fmt::format("/proc/{}/fd/{}", ::getpid(), store.get()));
}

TEST_F(SharedStore, OnesOwnStoreIsNamedPlainly) {
  fs::permissions(path("store"), fs::perms::owner_all);
  const Store open{.folder = path("store"), .device = {}, .filesystem = {}, .fd = {}};
  EXPECT_EQ(open.crash_path("20261123T084228Z", -1), path("store/20261123T084228Z"));
}

// Another user puts a folder in the crash's place and removes it again, as fast as possible.
TEST_F(SharedStore, AStrangersFolderIsNeverTouched) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a folder for somebody else";
  const std::string crash = path("store/20261123T084228Z"), aside = path("store/aside"),
                    stranger = path("store/mine");
  write("store/mine/vmcore", "of a stranger\n");
  const struct stat before = [&] {
    struct stat status{};
    EXPECT_EQ(::chown(stranger.c_str(), 65534, 65534), 0);
    EXPECT_EQ(::stat(stranger.c_str(), &status), 0);
    return status;
  }();
  const UniqueFd folder = open_file(crash, O_RDONLY | O_DIRECTORY).value();
  const pid_t thief = ::fork();
  if (thief == 0) {
    // Until the parent kills it.
    for (;;) {
      ::rename(crash.c_str(), aside.c_str());
      ::rename(stranger.c_str(), crash.c_str());
      ::rename(crash.c_str(), stranger.c_str());
      ::rename(aside.c_str(), crash.c_str());
    }
  }
  for (int round = 0; round < 100; ++round) {
    ASSERT_TRUE(replace_crash_record(folder.get(), {}));
    run();
  }
  ::kill(thief, SIGKILL);
  ::waitpid(thief, nullptr, 0);
  // Wherever it was stopped.
  const std::string left = fs::exists(stranger) ? stranger : crash;
  EXPECT_THAT(read("owners"), Not(HasSubstr("65534")));
  EXPECT_THAT(read("owners"), HasSubstr("0\n")) << "the command was never run";
  EXPECT_THAT(read("dumps"), Not(HasSubstr("stranger")));
  EXPECT_EQ(std::distance(fs::directory_iterator(left), {}), 1);
  struct stat after{};
  ASSERT_EQ(::stat(left.c_str(), &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
}

class RealRehearsal : public Collect {
 protected:
  RealRehearsal() {
    EXPECT_TRUE(arming::save_pending_rehearsal(
        {.time = 5, .boot_id = kOldBoot, .release = "6.1.0-test", .initramfs_digest = "ab"}, paths_.pending));
  }
};

TEST_F(RealRehearsal, SucceedsByTheWholeDumpOfThatBoot) {
  add_crash("20261123T084228Z", kDumpFile, {.boot_id = kOldBoot});
  const auto collection = run();
  ASSERT_TRUE(collection.rehearsal);
  EXPECT_TRUE(collection.rehearsal->whole);
  const auto saved = arming::read_rehearsal(paths_.rehearsal);
  ASSERT_TRUE(saved);
  EXPECT_TRUE(saved->real && saved->whole);
  EXPECT_EQ(saved->release, "6.1.0-test");
  EXPECT_EQ(saved->initramfs_digest, "ab");
  EXPECT_FALSE(arming::read_pending_rehearsal(paths_.pending)) << "resolved once";
}

TEST_F(RealRehearsal, FailsWithoutADumpOfThatBoot) {
  add_crash("20261123T084228Z", kDumpFile, {.boot_id = "00000000-0000-4000-8000-000000000000"});
  const auto collection = run();
  ASSERT_TRUE(collection.rehearsal);
  EXPECT_FALSE(collection.rehearsal->whole);
  EXPECT_EQ(collection.rehearsal->problem, "no dump of that crash is in the store");
}

TEST_F(RealRehearsal, SucceedsWithoutADumpWhereNoneWasToBeSaved) {
  add_crash("20261123T084228Z", kLogFile, {.boot_id = kOldBoot, .dump = DumpOutcome::log_only});
  const auto rehearsal = run().rehearsal;
  ASSERT_TRUE(rehearsal);
  EXPECT_TRUE(rehearsal->log_only && rehearsal->succeeded());
  EXPECT_FALSE(rehearsal->whole);
  EXPECT_EQ(rehearsal->problem, "");
  EXPECT_TRUE(arming::read_rehearsal(paths_.rehearsal)->succeeded());
}

TEST_F(RealRehearsal, FailsWithoutADumpWhereOneDidNotFit) {
  add_crash("20261123T084228Z", kLogFile,
            {.boot_id = kOldBoot, .dump = DumpOutcome::log_only, .fell_back = true});
  const auto rehearsal = run().rehearsal;
  ASSERT_TRUE(rehearsal);
  EXPECT_FALSE(rehearsal->succeeded());
  EXPECT_EQ(rehearsal->problem, "its dump: log only");
}

TEST_F(RealRehearsal, FailsWithHalfADump) {
  add_crash("20261123T084228Z", kIncompleteDumpFile, {.boot_id = kOldBoot});
  EXPECT_EQ(run().rehearsal->problem, "its dump: incomplete");
}

TEST_F(RealRehearsal, SucceedsByADumpThatAnEarlierRunHasCollected) {
  add_crash("20261123T084228Z", kDumpFile, {.boot_id = kOldBoot, .collected = kNow - 100});
  const auto collection = run();
  EXPECT_THAT(collection.crashes, IsEmpty());
  ASSERT_TRUE(collection.rehearsal);
  EXPECT_TRUE(collection.rehearsal->whole) << collection.rehearsal->problem;
}

TEST_F(RealRehearsal, SucceedsByTheFoldersNameWhenTheRecordIsLost) {
  write("store/20261123T084228Z-1b4e28ba/vmcore", kDump);
  EXPECT_TRUE(run().rehearsal->whole);
}

TEST_F(RealRehearsal, SucceedsByTheSecondTarget) {
  config_.targets = {{.path = path("store")}, {.path = path("second")}};
  add_crash("20261123T084228Z", kIncompleteDumpFile, {.boot_id = kOldBoot});
  write("second/20261123T084228Z-1b4e28ba/vmcore", kDump);
  EXPECT_TRUE(run().rehearsal->whole);
}

TEST_F(RealRehearsal, IsNotDecidedWhileATargetCannotBeLookedInto) {
  config_.targets.push_back({.path = "/crash", .device = "/dev/no-such-device"});
  const auto collection = run();
  EXPECT_FALSE(collection.rehearsal);
  EXPECT_THAT(collection.problems,
              ElementsAre(HasSubstr("/dev/no-such-device"), HasSubstr("again when all targets")));
  EXPECT_TRUE(arming::read_pending_rehearsal(paths_.pending));
  // A dump that is there decides it all the same.
  add_crash("20261123T084228Z", kDumpFile, {.boot_id = kOldBoot});
  EXPECT_TRUE(run().rehearsal->whole);
}

TEST_F(RealRehearsal, IsNotOverBeforeTheCrash) {
  write("boot_id", std::string(kOldBoot) + "\n");
  EXPECT_FALSE(run().rehearsal);
  EXPECT_TRUE(arming::read_pending_rehearsal(paths_.pending));
}

TEST(RehearsalRecord, OfNoUseIsNone) {
  const auto folder = TempDir::create("collect-test").value();
  const std::string path = folder.path() / "r.json";
  for (const char* text : {"", "[]", "{\"whole\": 3}", "{\"time\": \"x\"}"}) {
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), 0600));
    EXPECT_FALSE(arming::read_rehearsal(path)) << text;
  }
}

}  // namespace
}  // namespace lifeboat::collect
