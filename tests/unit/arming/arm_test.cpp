// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/arming/kept_initramfs.h"
#include "src/arming/loaded_state.h"
#include "src/arming/needs.h"
#include "src/arming/rehearsal_record.h"
#include "src/base/file.h"
#include "src/base/process.h"
#include "src/base/sys.h"
#include "src/store/crash_record.h"

namespace lifeboat::arming {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Arm : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  std::string write(const std::string& name, std::string_view text) const {
    EXPECT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0755));
    return path(name);
  }
  // A module of 6.1.0-test, as far as vermagic goes.
  [[nodiscard]] Recipe recipe() const {
    using namespace std::string_view_literals;
    Recipe made;
    made.release = "6.1.0-test";
    made.init = write("lifeboat-init",
                      "\x7f"
                      "ELF init");
    made.plan.targets = {{"1234-abcd", "ext4", "/var/crash"}};
    made.modules = {{"a.ko", write("a.ko",
                                   "\x7f"
                                   "ELF\0vermagic=6.1.0-test SMP\0"sv)}};
    made.files = {write("hook", "#!/bin/sh\n")};
    return made;
  }
  TempDir folder_ = TempDir::create("arm-test").value();
};

TEST_F(Arm, AnInitramfsIsFreshUntilSomethingChanges) {
  Recipe made = recipe();
  const std::string image = path("initramfs.img");
  EXPECT_EQ(staleness(made, image), "there is none");
  EXPECT_FALSE(is_fresh(made, image));
  const auto bytes = write_initramfs(made, image);
  ASSERT_TRUE(bytes) << bytes.error().to_string();
  EXPECT_EQ(*bytes, std::filesystem::file_size(image));
  EXPECT_EQ(staleness(made, image), "");
  EXPECT_TRUE(is_fresh(made, image));

  write("hook", "#!/bin/sh\nreboot\n");
  EXPECT_THAT(staleness(made, image), HasSubstr("hook 10 "));
  ASSERT_TRUE(write_initramfs(made, image));
  EXPECT_EQ(staleness(made, image), "");

  // The report names what has changed, not what has replaced it.
  write("extra", "one more");
  made.files.push_back(path("extra"));
  EXPECT_EQ(staleness(made, image), fmt::format("'file {}' is new", file_stamp(path("extra"))));
  ASSERT_TRUE(write_initramfs(made, image));
  made.files.pop_back();
  EXPECT_EQ(staleness(made, image), fmt::format("'file {}' is gone", file_stamp(path("extra"))));
  ASSERT_TRUE(write_initramfs(made, image));
  made.plan.targets.push_back({"5678-abcd", "ext4", "/other"});
  EXPECT_EQ(staleness(made, image), "'target = 5678-abcd ext4 /other' is new");
  ASSERT_TRUE(write_initramfs(made, image));
  made.plan.targets.back().uuid = "0000-0000";
  EXPECT_EQ(staleness(made, image),
            "'target = 5678-abcd ext4 /other' is now 'target = 0000-0000 ext4 /other'");
}

TEST_F(Arm, AnInitramfsThatSomebodyElseWroteIsStale) {
  const Recipe made = recipe();
  const std::string image = path("initramfs.img");
  ASSERT_TRUE(write_initramfs(made, image));
  write("initramfs.img", "short");
  EXPECT_THAT(staleness(made, image), HasSubstr("bytes 5"));
  std::filesystem::remove(path("initramfs.recipe"));
  EXPECT_EQ(staleness(made, image), "its recipe file is missing");
}

TEST_F(Arm, TheSameRecipeMakesTheSameFile) {
  const Recipe made = recipe();
  EXPECT_EQ(carry_out(made).value(), carry_out(made).value());
  EXPECT_EQ(fingerprint(made), fingerprint(made));
}

TEST_F(Arm, ModulesOfAnotherKernelAreRefused) {
  Recipe made = recipe();
  made.release = "6.2.0-test";
  const auto bytes = write_initramfs(made, path("initramfs.img"));
  ASSERT_FALSE(bytes);
  EXPECT_THAT(bytes.error().message, HasSubstr("for the kernel 6.1.0-test, not for 6.2.0-test"));
}

// ext3 is ext4.ko by another name: only the tree's indexes know.
TEST_F(Arm, AModuleIsCarriedByAnyOfItsNames) {
  Recipe made{.module_folder = path("lib/modules/6.1.0-test")};
  const auto file = [&](const char* name) { return made.module_folder + "/" + name; };
  std::filesystem::create_directories(made.module_folder);
  for (const char* name : {"fake4.ko", "other-one.ko"})
    std::filesystem::copy_file(LIFEBOAT_FAKE_MODULE, file(name));
  write("lib/modules/6.1.0-test/modules.builtin", "kernel/fs/fake2.ko\n");
  write("lib/modules/6.1.0-test/modules.order", "");
  const auto made_indexes =
      run_process({"depmod", "-b", folder_.path(), "6.1.0-test"}, std::chrono::minutes(1));
  ASSERT_TRUE(made_indexes && made_indexes->status == 0);
  for (const char* name : {"fake4", "fake3", "other-one", "other_one"})
    EXPECT_FALSE(carries(made, name)) << name;
  EXPECT_TRUE(carries(made, "fake2")) << "it is built in";
  EXPECT_TRUE(carries(made, "pci:v00008086")) << "no driver answers to it";
  EXPECT_FALSE(carries(made, "nowhere"));
  made.modules = {{"fake4.ko", file("fake4.ko")}, {"other-one.ko", file("other-one.ko")}};
  for (const char* name : {"fake4", "fake3", "other-one", "other_one"})
    EXPECT_TRUE(carries(made, name)) << name;
}

TEST_F(Arm, WhatIsLoadedIsRemembered) {
  LoadedState state{.release = "6.1.0-test", .command_line = "a=b", .call = "file", .time = 7};
  state.kernel = digest_file(write("kernel", "kernel")).value();
  state.initramfs = {digest_file(write("initramfs", "initramfs")).value()};
  EXPECT_EQ(state.kernel.bytes, 6U);
  EXPECT_EQ(state.kernel.digest.size(), 32U);
  EXPECT_EQ(digest_bytes(path("kernel"), as_byte_span("kernel")), state.kernel);
  const std::string file = path("run/loaded.json");
  ASSERT_TRUE(save_loaded_state(state, file));
  const auto again = read_loaded_state(file);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kernel, state.kernel);
  EXPECT_EQ(again->initramfs, state.initramfs);
  EXPECT_EQ(again->command_line, "a=b");
  EXPECT_EQ(again->time, 7U);
  EXPECT_THAT(changed_files(*again).changed, ElementsAre());

  write("kernel", "Kernel");
  std::filesystem::remove(path("initramfs"));
  EXPECT_THAT(changed_files(*again).changed,
              ElementsAre(HasSubstr("kernel has changed"), HasSubstr("initramfs is gone")));
  EXPECT_THAT(changed_files(*again).unreadable, ElementsAre());
  EXPECT_TRUE(forget_loaded_state(file));
  EXPECT_FALSE(read_loaded_state(file));
}

// The initramfs is root's alone, and `status` is for everybody.
TEST_F(Arm, AFileThatMayNotBeReadHasNotChanged) {
  const LoadedState state{.kernel = digest_file(write("kernel", "kernel")).value(),
                          .initramfs = {digest_file(write("initramfs", "initramfs")).value()}};
  write("kernel", "Kernel");
  sys::set_fault_hook([](sys::Call call) { return call == sys::Call::open ? EACCES : 0; });
  const FileChanges changes = changed_files(state);
  sys::set_fault_hook({});
  EXPECT_THAT(changes.changed, ElementsAre());
  EXPECT_THAT(changes.unreadable, ElementsAre(path("kernel"), path("initramfs")));
}

TEST_F(Arm, ALoadedFileHasAnAbsolutePath) {
  const std::string file = write("kernel", "kernel");
  std::filesystem::create_symlink("kernel", path("link"));
  const auto before = std::filesystem::current_path();
  std::filesystem::create_directory(path("folder"));
  std::filesystem::current_path(path("folder"));
  EXPECT_EQ(digest_file("../kernel")->path, file);
  std::filesystem::current_path(path(""));
  EXPECT_EQ(digest_file("kernel")->path, file);
  EXPECT_EQ(digest_file("./kernel")->path, file);
  EXPECT_EQ(digest_file("link")->path, path("link")) << "it may lead elsewhere tomorrow";
  std::filesystem::current_path(before);
}

// [capture] kernel may be another than the running one.
TEST_F(Arm, ARehearsalForRealIsOfTheCaptureKernel) {
  const LoadedState loaded{.kernel = {}, .initramfs = {{"/i", 1, "abc"}}, .release = "6.12-capture"};
  const PendingRehearsal pending = pending_rehearsal_of(7, "boot", "6.1-running", loaded);
  EXPECT_EQ(pending.release, "6.12-capture");
  EXPECT_EQ(pending.initramfs_digest, "abc");
  EXPECT_EQ(pending.boot_id, "boot");
  EXPECT_EQ(pending_rehearsal_of(7, "boot", "6.1-running", std::nullopt).release, "6.1-running");
}

TEST_F(Arm, WhatWasMeasuredCountsForTheKernelThatCaptured) {
  const auto add = [&](const char* name, const CrashRecord& record) {
    std::filesystem::create_directories(path("store/") + name);
    write(std::string("store/") + name + "/manifest.json", to_json_text(record));
  };
  CrashRecord record{.release = "6.1-running", .capture_release = "6.12-capture"};
  record.memory_reserved_kib = uint64_t{256} * 1024;
  record.memory_lowest_kib = 1024;
  add("20261123T084228Z", record);
  config::Config config;
  config.targets = {{.path = path("store")}};
  const auto uses = [&](const char* release) {
    return measured_uses(config, release, path("no-rehearsal")).size();
  };
  EXPECT_EQ(uses("6.12-capture"), 1U);
  EXPECT_EQ(uses("6.1-running"), 0U);
  EXPECT_EQ(measured_uses(config, "6.12-capture", path("no-rehearsal")).front().cpus, 1U)
      << "it has no number";
  record.cpus = 4;
  add("20261123T084228Z", record);
  EXPECT_EQ(measured_uses(config, "6.12-capture", path("no-rehearsal")).front().cpus, 4U);
  // As it was noted before.
  record.capture_release.clear();
  add("20261123T084229Z", record);
  EXPECT_EQ(uses("6.1-running"), 1U);
}

// It needed less than a dump does.
TEST_F(Arm, WhatACaptureWithoutADumpNeededCountsOnlyForAnother) {
  CrashRecord record{.release = "6.1", .capture_release = "6.1", .dump = DumpOutcome::log_only};
  record.memory_reserved_kib = uint64_t{256} * 1024;
  record.memory_lowest_kib = 1024;
  std::filesystem::create_directories(path("store/20261123T084228Z"));
  write("store/20261123T084228Z/manifest.json", to_json_text(record));
  write("store/20261123T084228Z/vmcore-dmesg.txt", "log");
  const arming::RehearsalRecord rehearsal{.release = "6.1",
                                          .log_only = true,
                                          .memory_reserved_kib = uint64_t{256} * 1024,
                                          .memory_lowest_kib = 1024,
                                          .cpus = 2};
  ASSERT_TRUE(save_rehearsal(rehearsal, path("rehearsal")));
  config::Config config;
  config.targets = {{.path = path("store")}};
  const auto uses = [&] { return measured_uses(config, "6.1", path("rehearsal")).size(); };
  EXPECT_EQ(uses(), 0U);
  config.dump.level = {kNoDump};
  EXPECT_EQ(uses(), 2U);
  EXPECT_EQ(measured_uses(config, "6.1", path("rehearsal")).back().cpus, 2U);
  config.dump.level = {31, kNoDump};
  EXPECT_EQ(uses(), 0U);
}

TEST_F(Arm, AStateOfNoUseIsNone) {
  for (const char* text : {"", "{", "[]", "{}", R"({"kernel": 1, "initramfs": []})",
                           R"({"kernel": {"path": 5}, "initramfs": []})"})
    EXPECT_FALSE(read_loaded_state(write("loaded.json", text))) << text;
}

}  // namespace
}  // namespace lifeboat::arming
