// SPDX-License-Identifier: GPL-2.0-or-later
// A capture kernel with several CPUs, after a crash on another CPU than the boot CPU: the boot CPU must stay
// out, or its firmware would run over the new kernel.
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

// What a machine's load chooses, and a crash on the last of four CPUs.
constexpr const char* kScript =
    "printf '[capture]\\ncpus = 2\\n' >/tmp/capture.conf\n"
    "run load lifeboat load /disk/boot/vmlinuz --crash --initrd /disk/boot/capture.img "
    "--config /tmp/capture.conf\n"
    "run cpus lifeboat status --json\n"
    "sync\nmark crashing\ndrain\n"
    "taskset 8 sh -c 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger'\nsleep 60\n";

struct Known {
  const char* version;
  const char* left_out;  // what the capture kernel prints of the boot CPU
};
class CaptureCpus : public ::testing::TestWithParam<Known> {};

TEST_P(CaptureCpus, saves_a_crash_on_another_cpu_than_the_boot_cpu) {
  const std::string version = GetParam().version;
  GuestFiles files;
  files.add(kernel_path(version), "boot/vmlinuz");
  files.write("boot/capture.img", capture_initramfs(version));
  Guest guest({.name = "capture-cpus-" + version,
               .kernel = version,
               .command_line = "crashkernel=160M",
               .script = kScript,
               .cpus = 4},
              files);
  const Mark loaded = guest.wait_for("load");
  ASSERT_EQ(loaded.text, "0") << loaded.output;
  const auto status = nlohmann::json::parse(guest.wait_for("cpus").output);
  const std::string line = status.at("loaded").at("command_line");
  EXPECT_THAT(line, HasSubstr(" nr_cpus=2 "));
  EXPECT_THAT(line, HasSubstr("disable_cpu_apicid=0"));
  guest.wait_for("crashing");
  guest.wait_for_line(GetParam().left_out);
  guest.wait_for_line("Brought up 1 node, 2 CPUs");
  guest.wait_for_line("lifeboat: phase capture-dump", std::chrono::seconds(600));
  guest.wait_for_end();

  const fs::path store = guest.fetch("/dump");
  const auto folder = *fs::directory_iterator(store);
  const auto verify = run_lifeboat({"verify", folder.path() / "vmcore"});
  EXPECT_EQ(verify.status, 0) << verify.text;
  const auto record = nlohmann::json::parse(text_of(folder.path() / "manifest.json"));
  EXPECT_EQ(record["outcome"], "whole");
  EXPECT_EQ(record["cpus"], 2);
  const auto report = nlohmann::json::parse(text_of(folder.path() / "report.json"));
  EXPECT_EQ(report["cpu"], 3) << "the CPU that crashed";
  EXPECT_EQ(report["kind"], "sysrq");
}

std::string kernel_name(const ::testing::TestParamInfo<Known>& known) {
  std::string name = std::string("debian_") + known.param.version;
  std::ranges::replace(name, '.', '_');
  return name;
}
// This one starts the boot CPU without a parameter; newer ones find it by themselves.
INSTANTIATE_TEST_SUITE_P(Kernels, CaptureCpus,
                         ::testing::Values(Known{"6.1", "APIC: Disabling requested cpu"}), kernel_name);
INSTANTIATE_TEST_SUITE_P(LongKernels, CaptureCpus,
                         ::testing::Values(Known{"6.12", "Crash kernel detected. Disabling real BSP"}),
                         kernel_name);

}  // namespace
}  // namespace lifeboat::test
