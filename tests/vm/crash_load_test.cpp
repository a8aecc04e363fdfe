// SPDX-License-Identifier: GPL-2.0-or-later
// A capture kernel loaded by each system call: the panic leads to it, and the dump that it saves is right.
#include <gtest/gtest.h>

#include "tests/support/programs.h"
#include "tests/vm/support/crash_scene.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;

struct Case {
  const char* name;
  const char* version;
  const char* syscall;
  const char* cpu_model = "";
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

class CrashLoad : public ::testing::TestWithParam<Case> {
 protected:
  [[nodiscard]] static CrashScene scene() {
    const Case& param = GetParam();
    return {.guest = {.name = std::string("crash-") + param.name,
                      .kernel = param.version,
                      .command_line = "crashkernel=256M",
                      .memory = 768_MiB,
                      .cpus = 2,
                      .cpu_model = param.cpu_model},
            .load_options = std::string("--syscall ") + param.syscall,
            .before_crash = {},
            .cpus_in_dump = 2};
  }
};

// crash(8), where there is debug information: it counts the CPUs, and finds what each was doing.
void expect_crash_reads(const std::string& version, const std::string& dump) {
  const auto vmlinux = cache() / "kernels" / version / "vmlinux";
  if (!std::filesystem::exists(vmlinux)) return;
  const auto folder = must(TempDir::create("lifeboat-crash"));
  const std::string commands = folder.path() / "commands";
  must(write_file_atomically(commands, as_byte_span("sys\nbt -a\nquit\n"), 0600));
  const auto output =
      run({cache() / "peers/crash", "-s", "-i", commands, vmlinux, dump}, std::chrono::minutes(10));
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_THAT(output.text, HasSubstr("CPUS: 2"));
  EXPECT_THAT(output.text, HasSubstr("sysrq_handle_crash"));
  EXPECT_THAT(output.text, HasSubstr("CPU: 1"));
}

TEST_P(CrashLoad, leads_to_a_whole_dump) {
  play_crash(scene(), [](const std::string& dump) { expect_crash_reads(GetParam().version, dump); });
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  return info.param.name;
}
// Nehalem has page tables of four levels, the default model five.
INSTANTIATE_TEST_SUITE_P(By, CrashLoad,
                         ::testing::Values(Case{"segments_6_1", "6.1", "segments", "Nehalem"},
                                           Case{"file_6_12", "6.12", "file"}),
                         case_name);
// 6.1 captures by file in Each/CrashKinds, 6.12 by segments in CpuUnplug.
INSTANTIATE_TEST_SUITE_P(LongBy, CrashLoad,
                         ::testing::Values(Case{"file_6_1", "6.1", "file"},
                                           Case{"segments_6_12", "6.12", "segments"}),
                         case_name);

// After the load a CPU goes away. 6.12 rewrites the ELF core headers itself, 6.1 does not.
class CpuUnplug : public ::testing::TestWithParam<const char*> {};

TEST_P(CpuUnplug, after_the_load_leaves_the_dump_right) {
  play_crash({.guest = {.name = std::string("unplug-") + GetParam(),
                        .kernel = GetParam(),
                        .command_line = "crashkernel=256M",
                        .memory = 768_MiB,
                        .cpus = 2},
              .load_options = "--syscall segments",
              .before_crash = "echo 0 >/sys/devices/system/cpu/cpu1/online\n"
                              "show online /sys/devices/system/cpu/online\ncrash_loaded still-loaded",
              .cpus_in_dump = 1});
}

INSTANTIATE_TEST_SUITE_P(On, CpuUnplug, ::testing::Values("6.1", "6.12"), [](const auto& param) {
  return param.param == std::string("6.1") ? "k6_1" : "k6_12";
});

// The reservation lies above 4 GiB, and a second one below.
class HighReservation : public ::testing::TestWithParam<const char*> {};

TEST_P(HighReservation, is_used) {
  play_crash({.guest = {.name = std::string("high-") + GetParam(),
                        .kernel = "6.12",
                        .command_line = "crashkernel=512M,high",
                        .memory = 5120_MiB},
              .load_options = std::string("--syscall ") + GetParam(),
              .before_crash = {},
              .cpus_in_dump = 1});
}

std::string call_name(const ::testing::TestParamInfo<const char*>& info) {
  return info.param;
}
// By file it is the kernel that finds the place, as in CrashLoad; by segments lifeboat does.
INSTANTIATE_TEST_SUITE_P(By, HighReservation, ::testing::Values("segments"), call_name);
INSTANTIATE_TEST_SUITE_P(LongBy, HighReservation, ::testing::Values("file"), call_name);

}  // namespace
}  // namespace lifeboat::test
