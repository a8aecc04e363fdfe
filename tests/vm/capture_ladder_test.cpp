// SPDX-License-Identifier: GPL-2.0-or-later
// What lifeboat-init does when not all goes well: the next target, hooks that fail, a watchdog that bites.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/programs.h"
#include "vm/support/guest.h"
#include "vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
  Manifest& manifest = contents.manifest;
  manifest.device_deadline = std::chrono::seconds(3);
  manifest.hook_deadline = std::chrono::seconds(60);
  manifest.targets.insert(
      manifest.targets.begin(),
      {.uuid = "00000000-0000-4000-8000-00000000dead", .filesystem = "ext4", .path = "/dump"});
  contents.files.push_back({"/bin/busybox", 0755, must(read_file(*find_program("busybox")))});
  add_script(contents, "/hooks/slow", kSlowHook);
  add_script(contents, "/hooks/after", kAfterHook);
  manifest.hooks_before = {"/hooks/slow", "/hooks/missing"};
  manifest.hooks_after = {"/hooks/after"};
  const std::string tree = fs::path(kernel_path(kVersion)).parent_path().parent_path() / "lib/modules";
  for (auto& module : must(collect_modules(tree + "/" + kernel_release(kVersion), {"i6300esb"})))
    contents.modules.push_back(std::move(module));
}

TEST(CaptureLadder, leads_to_the_next_target_past_hooks_and_watchdog) {
  GuestFiles files;
  files.add(kernel_path(kVersion), "boot/vmlinuz");
  files.write("boot/capture.img", capture_initramfs(kVersion, make_it_hard));
  Guest guest({.name = "capture-ladder",
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

  std::vector<fs::path> crashes;
  const fs::path store = guest.fetch("/dump");
  for (const auto& folder : fs::directory_iterator(store)) crashes.push_back(folder.path());
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
  EXPECT_EQ(nlohmann::json::parse(list.text)["crashes"][0]["outcome"], "whole") << list.text;
}

}  // namespace
}  // namespace lifeboat::test
