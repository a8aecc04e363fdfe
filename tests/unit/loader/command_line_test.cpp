// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace lifeboat {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::vector<std::string> crash_parameters(std::string_view reused, std::string_view append = {}) {
  return split_parameters(crash_command_line({.reused = reused, .append = append}));
}

TEST(CommandLine, SplitsAsTheKernelDoes) {
  EXPECT_THAT(split_parameters(""), IsEmpty());
  EXPECT_THAT(split_parameters(" \t\n"), IsEmpty());
  EXPECT_THAT(split_parameters("a  b=1\tc\n"), ElementsAre("a", "b=1", "c"));
  EXPECT_THAT(split_parameters(R"(dyndbg="file a.c +p" "b=c d" e)"),
              ElementsAre(R"(dyndbg="file a.c +p")", R"("b=c d")", "e"));
  EXPECT_THAT(split_parameters(R"(a="b c)"), ElementsAre(R"(a="b c")"));
}

TEST(CommandLine, NamesAsTheKernelReadsThem) {
  EXPECT_EQ(parameter_name("quiet"), "quiet");
  EXPECT_EQ(parameter_name("a-b=c-d"), "a_b");
  EXPECT_EQ(parameter_name(R"("x=a b")"), "x");
  EXPECT_EQ(parameter_name("=x"), "");
}

TEST(CommandLine, KeepsWhatACaptureKernelNeeds) {
  const auto line = crash_parameters(
      "BOOT_IMAGE=/boot/vmlinuz-6.1 root=UUID=1 ro console=ttyS0,115200 earlyprintk=serial quiet "
      "crashkernel=256M "
      "intel_iommu=on hugepagesz=1G hugepages=8 default-hugepagesz=1G resume=/dev/sda2 maxcpus=4 "
      "memmap=1G$4G "
      "init=/bin/sh ftrace_dump_on_oops\n");
  EXPECT_THAT(
      std::vector(line.begin(), line.begin() + 5),
      ElementsAre("root=UUID=1", "ro", "console=ttyS0,115200", "earlyprintk=serial", "intel_iommu=on"));
  EXPECT_EQ(line.size(), 5 + parameters_for_capture().size());
}

TEST(CommandLine, BounceBuffersOfTheOwner) {
  const auto line = [](std::string_view reused, bool encrypted) {
    return split_parameters(
        crash_command_line({.reused = reused, .append = {}, .remove = {}, .memory_encrypted = encrypted}));
  };
  for (const char* parameter :
       {"swiotlb=65536", "swiotlb=noforce", "swiotlb=65536,noforce", "swiotlb=65536,4"}) {
    EXPECT_THAT(line(parameter, false), Not(Contains(parameter)));
    EXPECT_THAT(line(parameter, true), Contains(parameter));
  }
  for (const char* parameter : {"swiotlb=force", "swiotlb=65536,force", "swiotlb=65536,4,force"}) {
    EXPECT_THAT(line(parameter, false), Contains(parameter));
    EXPECT_THAT(line(parameter, true), Contains(parameter));
  }
  // The owner's [capture] remove, and that of the loader's other command line.
  const std::vector<std::string> names = {"swiotlb"};
  EXPECT_THAT(crash_command_line(
                  {.reused = "swiotlb=force", .append = {}, .remove = names, .memory_encrypted = true}),
              Not(HasSubstr("swiotlb")));
  EXPECT_EQ(bare_crash_command_line({.reused = "a swiotlb=1 b", .append = {}}), "a b");
  EXPECT_EQ(bare_crash_command_line(
                {.reused = "a swiotlb=1 b", .append = {}, .remove = {}, .memory_encrypted = true}),
            "a swiotlb=1 b");
}

#if defined(__x86_64__)
TEST(CommandLine, AddsItsOwnInThisOrder) {
  EXPECT_EQ(crash_command_line({.reused = "root=/dev/x", .append = "a"}),
            "root=/dev/x nr_cpus=1 reset_devices irqpoll nokaslr cgroup_disable=memory numa=off "
            "transparent_hugepage=never hugetlb_cma=0 cma=0 kho=off kfence.sample_interval=0 novmcoredd "
            "acpi_no_memhotplug pcie_ports=compat hest_disable panic=10 a");
}
#endif

TEST(CommandLine, EveryRuleOfTheTablesIsApplied) {
  for (const auto table : {parameters_not_reused(), parameters_not_for_capture()}) {
    for (const auto& rule : table) {
      std::string name(rule.name);
      std::ranges::replace(name, '*', '_');
      for (const auto& form : {name, name + "=1", '"' + name + "=a b\""})
        EXPECT_THAT(crash_parameters(form), Not(Contains(form))) << form;
    }
  }
  for (const auto& rule : parameters_for_capture())
    EXPECT_THAT(crash_parameters(""), Contains(std::string(rule.name)));
}

TEST(CommandLine, TablesGiveReasonsAndDoNotContradictEachOther) {
  std::set<std::string> names;
  for (const auto table : {parameters_not_reused(), parameters_not_for_capture(), parameters_for_capture()}) {
    for (const auto& rule : table) {
      EXPECT_FALSE(rule.reason.empty()) << rule.name;
      // The running kernel's value is also left out where nothing is added, for the kexec(8) spelling.
      const bool switched_off = rule.name == "kho=off";
      EXPECT_TRUE(names.insert(parameter_name(rule.name)).second || switched_off) << rule.name;
    }
  }
}

TEST(CommandLine, ReusedValueIsReplacedByOurs) {
  const auto line = crash_parameters("nr_cpus=64 numa=fake=4 panic=0");
  EXPECT_THAT(line, Contains("nr_cpus=1"));
  EXPECT_THAT(line, Contains("panic=10"));
  EXPECT_THAT(line, Not(Contains("nr_cpus=64")));
  EXPECT_THAT(line, Not(Contains("numa=fake=4")));
  EXPECT_THAT(line, Not(Contains("panic=0")));
}

TEST(CommandLine, WhatTheUserGivesIsKeptAndNotOverridden) {
  const auto line = crash_parameters("console=ttyS0", R"(nr-cpus=4 quiet x="a b")");
  EXPECT_THAT(line, Not(Contains("nr_cpus=1")));
  EXPECT_THAT(line, Contains("reset_devices"));
  const std::string text =
      crash_command_line({.reused = "console=ttyS0", .append = R"(nr-cpus=4 quiet x="a b")"});
  EXPECT_THAT(text, StartsWith("console=ttyS0 "));
  EXPECT_THAT(text, EndsWith(R"( nr-cpus=4 quiet x="a b")"));
}

TEST(CommandLine, SeveralCpusLeaveTheBootCpuOut) {
  const auto line = [](std::string_view append, std::vector<std::string> remove = {}) {
    return split_parameters(crash_command_line({.reused = "nr_cpus=8 leave-out=7 quiet",
                                                .append = append,
                                                .remove = remove,
                                                .cpus = 4,
                                                .boot_cpu = "leave_out=0"}));
  };
  EXPECT_THAT(line(""), AllOf(Contains("nr_cpus=4"), Contains("leave_out=0"), Not(Contains("nr_cpus=1")),
                              Not(Contains("nr_cpus=8")), Not(Contains("leave-out=7"))));
  // The owner's come first.
  EXPECT_THAT(line("nr_cpus=2"), AllOf(Contains("nr_cpus=2"), Not(Contains("nr_cpus=4"))));
  EXPECT_THAT(line("leave-out=3"), AllOf(Contains("leave-out=3"), Not(Contains("leave_out=0"))));
  EXPECT_THAT(line("", {"leave_out"}), AllOf(Contains("nr_cpus=4"), Not(Contains("leave_out=0"))));
  EXPECT_THAT(line("", {"nr_cpus"}), AllOf(Contains("leave_out=0"), Not(Contains(StartsWith("nr_cpus")))));
  EXPECT_THAT(crash_parameters("leave_out=7"), Contains("leave_out=7")) << "nothing is known of it";
}

TEST(CommandLine, LimitsTheCpusAsTheKernelReadsIt) {
  const auto limit = [](std::string_view line) { return cpu_limit(line).value_or(0); };
  EXPECT_EQ(limit("nr_cpus=0x4"), 4u);
  for (const char* line : {"", "quiet", "nr_cpus", "nr_cpus=", "nr_cpus=x", "nr_cpus=0", "nr_cpus=-1",
                           "maxcpus=", "nr_cpus=99999999999", "my.nr_cpus=2", "-- nr_cpus=2"})
    EXPECT_EQ(limit(line), 0U) << line;
  EXPECT_EQ(limit("nr_cpus=4 quiet"), 4U);
  EXPECT_EQ(limit("\"nr-cpus=4\""), 4U);
  EXPECT_EQ(limit("nr_cpus=\"4\""), 4U);
  EXPECT_EQ(limit("nr_cpus=2 nr_cpus=4"), 2U) << "a limit only sinks";
  EXPECT_EQ(limit("maxcpus=2 maxcpus=4"), 4U) << "the last one counts";
  EXPECT_EQ(limit("maxcpus=0"), 1U);
  EXPECT_EQ(limit("nosmp"), 1U);
  EXPECT_EQ(limit("nr_cpus=8 maxcpus=2"), 2U);
  EXPECT_EQ(limit("nr_cpus=2 maxcpus=8"), 2U);
  EXPECT_EQ(limit("nr_cpus=3,x"), 3U);
}

TEST(CommandLine, OpenQuoteDoesNotSwallowTheRest) {
  EXPECT_THAT(crash_parameters(R"(a="b c)", "d"), Contains("nr_cpus=1"));
  EXPECT_THAT(crash_parameters(R"(a="b c)", "d"), Contains("d"));
}

TEST(CommandLine, ArgumentsOfInitStayBehindTheKernels) {
  EXPECT_EQ(normal_command_line({.reused = "a -- single", .append = "b"}), "a b -- single");
  EXPECT_EQ(normal_command_line({.reused = "a -- single", .append = "b -- c"}), "a b -- single c");
  EXPECT_THAT(crash_parameters("a -- single"), Not(Contains("single")));
  EXPECT_THAT(crash_command_line({.append = "b -- c"}), EndsWith("b -- c"));
}

TEST(CommandLine, NormalKexecDropsOnlyWhatNobodyReuses) {
  EXPECT_EQ(normal_command_line(
                {.reused = "BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet crashkernel=256M hugepages=4\n",
                 .append = "single"}),
            "root=/dev/sda1 quiet crashkernel=256M hugepages=4 single");
  EXPECT_EQ(normal_command_line({}), "");
}

struct Reuse {
  const char* reused;
  const char* append;
  const char* line;
};
class ReusedLine : public testing::TestWithParam<Reuse> {};

TEST_P(ReusedLine, DoesNotGrow) {
  const auto& [reused, append, line] = GetParam();
  const std::string first = normal_command_line({.reused = reused, .append = append});
  EXPECT_EQ(first, line);
  // At the next reboot, and at all later ones.
  EXPECT_EQ(normal_command_line({.reused = first, .append = append}), first);
}

INSTANTIATE_TEST_SUITE_P(
    Each, ReusedLine,
    testing::Values(
        Reuse{"root=/dev/x quiet", "debug", "root=/dev/x quiet debug"},
        Reuse{"root=/dev/x quiet debug", "debug", "root=/dev/x quiet debug"},
        Reuse{"debug root=/dev/x debug a debug", "debug", "root=/dev/x a debug"},
        Reuse{"a b c", "c a", "b c a"},
        // The last one counts, so the appended one must stay last.
        Reuse{"mitigations=off mitigations=auto", "mitigations=off", "mitigations=auto mitigations=off"},
        Reuse{"console=tty0 console=ttyS0", "console=tty0", "console=ttyS0 console=tty0"},
        // Only exact repetitions.
        Reuse{"a-b=1 debug=1 xdebug", "a_b=1 debug", "a-b=1 debug=1 xdebug a_b=1 debug"},
        // What is appended twice is wanted twice; what the line had before stays.
        Reuse{"x", "a a", "x a a"}, Reuse{"x x", "a", "x x a"},
        Reuse{R"(dyndbg="file a.c +p; file b.c +p" q)", R"(dyndbg="file a.c +p; file b.c +p")",
              R"(q dyndbg="file a.c +p; file b.c +p")"},
        Reuse{R"(dyndbg="file a.c +p" +p)", "+p", R"(dyndbg="file a.c +p" +p)"},
        Reuse{R"(a="b c)", R"(a="b c")", R"(a="b c")"},
        // Behind "--" stand the arguments of init.
        Reuse{"debug single -- debug single", "single", "debug single -- debug single"},
        Reuse{"a -- single", "a -- single", "a -- single"}, Reuse{"a -- 5 -x 5", "-- 5", "a -- -x 5"},
        Reuse{"a -- 5 -x 5", "-- -x 5", "a -- 5 -x 5"}, Reuse{"single a", "-- single", "single a -- single"},
        Reuse{"a -- single", "single --", "a single -- single"},
        // hugepages= is for the size before it.
        Reuse{"hugepagesz=1G hugepages=4", "hugepagesz=2M hugepages=4",
              "hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=4"},
        Reuse{"hugepagesz=1G hugepages=4", "hugepagesz=1G hugepages=8",
              "hugepagesz=1G hugepages=4 hugepagesz=1G hugepages=8"},
        Reuse{"hugepagesz=1G hugepages=4 a", "hugepages=4", "hugepagesz=1G hugepages=4 a hugepages=4"},
        Reuse{"hugepages=4", "hugepages=4", "hugepages=4"}));

TEST(CommandLine, TwoAlternatingAdditionsDoNotMakeItGrow) {
  std::string line = "root=/dev/x";
  for (int reboot = 0; reboot < 6; ++reboot)
    line = normal_command_line({.reused = line, .append = reboot % 2 == 0 ? "a=1 b=\"c d\"" : "e -- f"});
  EXPECT_EQ(line, "root=/dev/x a=1 b=\"c d\" e -- f");
}

TEST(CommandLine, ARootThatOnlyAnInitramfsFinds) {
  for (const char* root : {"root=UUID=1234", "root=LABEL=x", "root=/dev/mapper/vg-root",
                           "root=/dev/disk/by-uuid/1", "root=ZFS=rpool/ROOT", "\"root=LABEL=a b\""})
    EXPECT_EQ(root_for_initramfs(std::string("ro ") + root + " quiet"), root);
  for (const char* line :
       {"", "quiet", "root=/dev/sda1", "root=PARTUUID=1-2", "root=PARTLABEL=root", "root=8:1",
        "root=/dev/nfs", "root=UUID=1 root=/dev/sda1", "quiet -- root=UUID=1", "root=", "root"})
    EXPECT_EQ(root_for_initramfs(line), "") << line;
}

TEST(CommandLine, DashAndUnderscoreAreTheSame) {
  EXPECT_THAT(crash_parameters("trace-event=x nmi-watchdog=panic sysctl.vm.nr_hugepages=9 hest-disable"),
              Not(AnyOf(Contains(StartsWith("trace")), Contains(StartsWith("nmi")),
                        Contains(StartsWith("sysctl")), Contains("hest-disable"))));
}

TEST(CommandLine, TheKernelFeedsAWatchdogForAsLongAsItTakes) {
  EXPECT_THAT(crash_parameters("watchdog.open_timeout=60 watchdog.handle_boot_enabled=0 iTCO_wdt.nowayout=1"),
              AllOf(Contains("iTCO_wdt.nowayout=1"), Not(Contains(StartsWith("watchdog.")))));
}

TEST(CommandLine, BareCrashLineAddsNothing) {
  EXPECT_EQ(bare_crash_command_line(
                {.reused = "BOOT_IMAGE=/v root=/dev/x crashkernel=1G hugepages=4 quiet nr_cpus=2 -- s",
                 .append = "irqpoll"}),
            "root=/dev/x nr_cpus=2 irqpoll -- s");
  EXPECT_EQ(bare_crash_command_line({}), "");
}

TEST(CrashCommandLine, LeavesOutWhatTheConfigurationNames) {
  const std::vector<std::string> remove = {"isolcpus", "irqpoll", "a-b"};
  const std::string line = crash_command_line(
      {.reused = "isolcpus=1-3 a_b=2 keep=1 lifeboat.boot=1234", .append = "irqpoll=x", .remove = remove});
  EXPECT_THAT(line, HasSubstr("keep=1"));
  EXPECT_THAT(line, Not(HasSubstr("isolcpus")));
  EXPECT_THAT(line, Not(HasSubstr("a_b")));
  EXPECT_THAT(line, Not(HasSubstr("lifeboat.boot")));
  EXPECT_THAT(line, EndsWith("irqpoll=x")) << "what is appended stays";
}

}  // namespace
}  // namespace lifeboat
