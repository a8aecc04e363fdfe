// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat rehearse` of a machine: what its own initramfs holds is what captures, though on the guest's
// disk.
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "rehearse/rehearse.h"
#include "support/programs.h"
#include "vm/support/guest_files.h"
#include "vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;

// As `lifeboat build` would have it for a machine with a hook, another disk, and settings of its own.
InitramfsContents contents_of_a_machine(const std::string& modules) {
  InitramfsContents machine;
  machine.init = must(read_init_program(LIFEBOAT_BIN "/lifeboat-init"));
  machine.modules = must(collect_modules(modules, {"ahci", "ext4"}));
  machine.files.push_back({"/bin/busybox", 0755, must(read_file(*find_program("busybox")))});
  const std::string_view hook = "#!/bin/busybox sh\necho $LIFEBOAT_OUTCOME >$LIFEBOAT_FOLDER/hook-was-here\n";
  machine.files.push_back({"/hooks/tell", 0755, {as_byte_span(hook).begin(), as_byte_span(hook).end()}});
  machine.manifest.targets = {{.uuid = "1234-abcd", .filesystem = "vfat", .path = "/crash"}};
  machine.manifest.levels = {31, 1};
  machine.manifest.compression = Compression::lzo;
  machine.manifest.final_action = FinalAction::halt;
  machine.manifest.hooks_after = {"/hooks/tell"};
  return machine;
}

TEST(MachineRehearsal, captures_with_what_the_machine_would) {
  const std::string kernel = kernel_path("6.12");
  const fs::path modules =
      fs::path(kernel).parent_path().parent_path() / "lib/modules" / kernel_release("6.12");
  const fs::path out = rehearsals() / "machine";
  fs::remove_all(out);
  rehearse::RehearsalOptions options;
  options.kernel = kernel;
  options.module_folder = modules;
  options.out = out;
  options.memory = 1_GiB;
  options.machine = contents_of_a_machine(modules);
  options.capture_command_line = "machine.word=1";
  const std::atomic<bool> stop = false;
  const auto result = rehearse::rehearse(options, [](const std::string&) {}, stop);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_TRUE(result->whole) << result->problem;
  EXPECT_GT(result->memory_lowest_kib, 0U);
  EXPECT_EQ(text_of(out / "hook-was-here"), "whole\n");
  const auto record = nlohmann::json::parse(text_of(out / "manifest.json"));
  EXPECT_EQ(record["compression"], "lzo");
  EXPECT_EQ(record["level"], 31);
  EXPECT_NE(text_of(out / "capture.console").find("machine.word=1"), std::string::npos);
}

}  // namespace
}  // namespace lifeboat::test
