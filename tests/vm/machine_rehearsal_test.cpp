// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat rehearse` of a machine: the initramfs on its disk, with its command line, is what captures,
// though to the guest's disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "capture/initramfs/initramfs.h"
#include "loader/command_line.h"
#include "src/rehearse/guest_hardware.h"
#include "src/rehearse/rehearse.h"
#include "tests/support/programs.h"
#include "tests/vm/support/guest_files.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// As `lifeboat build` would have it for a machine with a hook, another disk, and settings of its own.
InitramfsContents contents_of_a_machine(const std::string& modules) {
  InitramfsContents machine;
  machine.init = must(read_static_program(kInitProgram, LIFEBOAT_BIN "/lifeboat-init"));
  machine.modules = must(collect_modules(modules, {"ahci", "ext4"}));
  machine.files.push_back({"/bin/busybox", 0755, must(read_file(*find_program("busybox")))});
  const std::string_view hook = "#!/bin/busybox sh\necho $LIFEBOAT_OUTCOME >$LIFEBOAT_FOLDER/hook-was-here\n";
  machine.files.push_back({"/hooks/notify", 0755, {as_byte_span(hook).begin(), as_byte_span(hook).end()}});
  machine.plan.targets = {{.uuid = "1234-abcd", .filesystem = "vfat", .path = "/crash"}};
  machine.plan.dump.level = {31, 1};
  machine.plan.dump.compression.compression = Compression::lzo;
  machine.plan.final.action = FinalAction::halt;
  machine.plan.capture.hook_after = {"/hooks/notify"};
  return machine;
}

TEST(MachineRehearsal, captures_with_what_the_machine_would) {
  const std::string kernel = kernel_path("6.12");
  const fs::path modules =
      fs::path(kernel).parent_path().parent_path() / "lib/modules" / kernel_release("6.12");
  const fs::path out = rehearsals() / "machine";
  fs::remove_all(out);
  rehearse::RehearsalOptions options;
  options.accelerator = rehearse::Accelerator::tcg;
  options.kernel = kernel;
  options.module_folder = modules;
  options.out = out;
  options.memory = 1_GiB;
  // From the disk, as it is loaded.
  const fs::path image = out.string() + ".img";
  must(write_file_atomically(
      image, must(build_initramfs(contents_of_a_machine(modules), InitramfsCompression::xz)), 0600));
  const std::vector<std::string> without = {"pcie_ports", "ro"};
  options.capture_cpus = 2;
  options.machine = rehearse::MachineCapture{
      .initramfs = must(read_file(image)),
      .command_line = crash_command_line({.reused = "root=/dev/nothing ro quiet machine.before=1",
                                          .append = "machine.word=1",
                                          .remove = without,
                                          .cpus = 2,
                                          .boot_cpu = rehearse::guest_hardware().boot_cpu})};
  const std::atomic<bool> stop = false;
  const auto result = rehearse::rehearse(options, [](const std::string&) {}, stop);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_TRUE(result->whole) << result->problem;
  EXPECT_GT(result->memory_lowest_kib, 0U);
  // The crash was on the last of three, and the boot CPU stayed out.
  EXPECT_EQ(result->capture_cpus, 2U);
  EXPECT_EQ(nlohmann::json::parse(text_of(out / "report.json"))["cpu"], 2);
  EXPECT_GT(result->dump_time.count(), 0);
  EXPECT_GT(result->capture, result->dump_time);
  EXPECT_EQ(text_of(out / "hook-was-here"), "whole\n");
  const auto record = nlohmann::json::parse(text_of(out / "manifest.json"));
  EXPECT_EQ(record["compression"], "lzo");
  EXPECT_EQ(record["level"], 31);
  const std::string console = text_of(out / "capture.console");
  EXPECT_THAT(console, HasSubstr(" " + options.machine->command_line + " console=ttyS1 "));
  EXPECT_THAT(console, Not(HasSubstr("pcie_ports")));
  EXPECT_THAT(console, HasSubstr("reset_devices"));
}

}  // namespace
}  // namespace lifeboat::test
