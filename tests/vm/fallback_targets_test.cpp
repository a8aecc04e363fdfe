// SPDX-License-Identifier: GPL-2.0-or-later
// What lifeboat-init does when not all goes well: the next target, hooks that fail, a watchdog that bites.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/programs.h"
#include "tests/vm/support/kernel_guest.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kVersion = "6.12";

void add_script(InitramfsContents& contents, const std::string& path, const std::string& body) {
  const std::string text = "#!/bin/busybox sh\n" + body;
  const ByteSpan bytes = as_byte_span(text);
  contents.files.push_back({path, 0755, {bytes.begin(), bytes.end()}});
}

// Longer than the watchdog's half minute.
constexpr const char* kSlowHook = "echo 'hook: before' $LIFEBOAT_POINT; /bin/busybox sleep 40; exit 3\n";
constexpr const char* kAfterHook = "echo $LIFEBOAT_OUTCOME >$LIFEBOAT_FOLDER/hook-was-here\n";

void make_it_hard(InitramfsContents& contents) {
  CapturePlan& plan = contents.plan;
  plan.capture.device_deadline = std::chrono::seconds(3);
  plan.capture.hook_deadline = std::chrono::seconds(60);
  plan.targets.insert(
      plan.targets.begin(),
      {.uuid = "00000000-0000-4000-8000-00000000dead", .filesystem = "ext4", .path = "/dump"});
  contents.files.push_back({"/bin/busybox", 0755, must(read_file(*find_program("busybox")))});
  add_script(contents, "/hooks/slow", kSlowHook);
  add_script(contents, "/hooks/after", kAfterHook);
  plan.capture.hook_before = {"/hooks/slow", "/hooks/missing"};
  plan.capture.hook_after = {"/hooks/after"};
  const std::string tree = fs::path(kernel_path(kVersion)).parent_path().parent_path() / "lib/modules";
  for (auto& module : must(collect_modules(tree + "/" + kernel_release(kVersion), {"i6300esb", "softdog"})))
    contents.modules.push_back(std::move(module));
  // Its driver cannot report that it runs.
  plan.watchdogs = {"i6300ESB timer"};
}

// The folders of crashes, by their names.
std::vector<fs::path> crashes_in(const fs::path& store) {
  std::vector<fs::path> crashes;
  for (const auto& folder : fs::directory_iterator(store)) crashes.push_back(folder.path());
  std::ranges::sort(crashes);
  return crashes;
}

TEST(FallbackTargets, leads_to_the_next_target_past_hooks_and_watchdog) {
  GuestFiles files;
  files.add(kernel_path(kVersion), "boot/vmlinuz");
  files.write("boot/capture.img", capture_initramfs(kVersion, make_it_hard));
  Guest guest({.name = "capture-fallback",
               .kernel = kVersion,
               .command_line = "crashkernel=128M",
               .script = "run load lifeboat load /disk/boot/vmlinuz --crash --initrd /disk/boot/capture.img\n"
                         "crash_now\nsleep 60\n",
               .devices = {"i6300esb"}},
              files);
  const Mark loaded = guest.wait_for("load");
  ASSERT_EQ(loaded.text, "0") << loaded.output;
  guest.wait_for_line("watchdog 0 is fed from now on", std::chrono::seconds(120));
  guest.wait_for_line("hook: before before");
  guest.wait_for_line("hook /hooks/slow: exit code 3");
  guest.wait_for_line("hook /hooks/missing: ");
  guest.wait_for_line("no device with the file system 00000000-0000-4000-8000-00000000dead appeared");
  guest.wait_for_line("trying the next target");
  guest.wait_for_line("lifeboat: phase capture-dump", std::chrono::seconds(300));
  guest.wait_for_line("hook /hooks/after: done");
  guest.wait_for_end();
  EXPECT_THAT(guest.console(), Not(HasSubstr("watchdog 1 is fed"))) << "nobody had started the softdog";
  EXPECT_THAT(guest.console(), HasSubstr("reboot: Power down")) << "[final] action";

  const fs::path store = guest.fetch("/dump");
  const auto crashes = crashes_in(store);
  ASSERT_EQ(crashes.size(), 1U);
  const auto verify = run_lifeboat({"verify", crashes[0] / "vmcore"});
  EXPECT_EQ(verify.status, 0) << verify.text;
  EXPECT_EQ(text_of(crashes[0] / "hook-was-here"), "whole\n");
  const auto record = nlohmann::json::parse(text_of(crashes[0] / "manifest.json"));
  EXPECT_EQ(record["outcome"], "whole");
  EXPECT_EQ(record["kind"], "sysrq");
  // The boot that died is named, by the folder too.
  const std::string boot_id = record["boot_id"];
  ASSERT_EQ(boot_id.size(), 36U) << boot_id;
  EXPECT_THAT(crashes[0].filename().string(), HasSubstr("Z-" + boot_id.substr(0, 8)));
  const auto list = run_lifeboat({"list", "--store", store, "--json"});
  EXPECT_EQ(nlohmann::json::parse(list.text)[0]["outcome"], "whole") << list.text;
}

// A crash that was saved before: a folder with a file that has so many bytes, and no hole.
void add_older(GuestFiles& files, const std::string& name, const char* file, size_t bytes) {
  files.write(fmt::format("dump/{}/{}", name, file), std::vector(bytes, std::byte{1}));
}

// To the last block. What is quickly allocated first; a file that grows finds the rest.
constexpr const char* kFillDisk =
    "fallocate -l $(($(stat -f -c '%a * %S' /disk) - (1 << 20))) /disk/ballast\n"
    "dd if=/dev/zero of=/disk/rest bs=4k\nsync\nmark free $(stat -f -c %a /disk)\n";

GuestOptions crash_on_a_full_disk(const char* name) {
  return {.name = name,
          .kernel = kVersion,
          .command_line = "crashkernel=128M",
          .script = "run load lifeboat load /disk/boot/vmlinuz --crash --initrd /disk/boot/capture.img\n" +
                    std::string(kFillDisk) + "crash_now\nsleep 60\n"};
}

void wait_for_full_disk(Guest& guest) {
  const Mark loaded = guest.wait_for("load");
  ASSERT_EQ(loaded.text, "0") << loaded.output;
  EXPECT_EQ(guest.wait_for("free").text, "0");
}

// The oldest crash goes so that the log finds room, the next so that the dump does; then the retention rules.
TEST(FallbackTargets, takes_older_crashes_away_on_a_full_disk) {
  GuestFiles files;
  files.add(kernel_path(kVersion), "boot/vmlinuz");
  files.write("boot/capture.img", capture_initramfs(kVersion, [](InitramfsContents& contents) {
                contents.plan.retention = {.keep = 2};
              }));
  add_older(files, "20250101T000000Z", "vmcore-dmesg.txt", 10_MiB);
  add_older(files, "20250102T000000Z", "vmcore", 200_MiB);
  add_older(files, "20250103T000000Z", "vmcore", 3_MiB);
  add_older(files, "20250104T000000Z", "vmcore", 2_MiB);
  Guest guest(crash_on_a_full_disk("capture-full-disk"), files);
  ASSERT_NO_FATAL_FAILURE(wait_for_full_disk(guest));
  guest.wait_for_line("removing 20250101T000000Z: the target is full", std::chrono::seconds(120));
  guest.wait_for_line("lifeboat: phase capture-log");
  guest.wait_for_line("removing 20250102T000000Z: the target is full", std::chrono::seconds(300));
  guest.wait_for_line("lifeboat: phase capture-dump", std::chrono::seconds(300));
  guest.wait_for_line("removing 20250103T000000Z: more than 2 crashes");
  guest.wait_for_end();

  const auto left = crashes_in(guest.fetch("/dump"));
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0].filename(), "20250104T000000Z");
  const auto verify = run_lifeboat({"verify", left[1] / "vmcore"});
  EXPECT_EQ(verify.status, 0) << verify.text;
  const auto record = nlohmann::json::parse(text_of(left[1] / "manifest.json"));
  EXPECT_EQ(record["outcome"], "whole");
  EXPECT_THAT(record["problems"], ::testing::IsEmpty());
  EXPECT_THAT(text_of(left[1] / "capture.log"), HasSubstr("removing 20250102T000000Z"));
  EXPECT_FALSE(fs::exists(left[1] / "capture.log.new"));
}

// The newest whole dump stays. What fits then is the log, the report, and the word on how it ended.
TEST(FallbackTargets, keeps_the_newest_whole_dump_on_a_full_disk) {
  GuestFiles files;
  files.add(kernel_path(kVersion), "boot/vmlinuz");
  files.write("boot/capture.img", capture_initramfs(kVersion));
  add_older(files, "20250101T000000Z", "vmcore.incomplete", 12_MiB);
  add_older(files, "20250102T000000Z", "vmcore", 100_MiB);
  Guest guest(crash_on_a_full_disk("capture-no-room"), files);
  ASSERT_NO_FATAL_FAILURE(wait_for_full_disk(guest));
  guest.wait_for_line("lifeboat: phase capture-failed", std::chrono::seconds(300));
  guest.wait_for_end();
  EXPECT_THAT(guest.console(), HasSubstr("reboot: Power down")) << "[failure] action";

  const auto left = crashes_in(guest.fetch("/dump"));
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0].filename(), "20250102T000000Z");
  EXPECT_THAT(text_of(left[1] / "vmcore-dmesg.txt"), HasSubstr("sysrq triggered crash"));
  EXPECT_TRUE(fs::exists(left[1] / "report.txt"));
  EXPECT_EQ(run_lifeboat({"verify", left[1] / "vmcore.incomplete"}).status, 3);
  const auto record = nlohmann::json::parse(text_of(left[1] / "manifest.json"));
  EXPECT_EQ(record["outcome"], "incomplete");
  EXPECT_EQ(record["kind"], "sysrq");
  EXPECT_THAT(record["problems"].dump(), HasSubstr("No space left on device"));
  EXPECT_THAT(text_of(left[1] / "capture.log"), HasSubstr("No space left on device"));
}

}  // namespace
}  // namespace lifeboat::test
