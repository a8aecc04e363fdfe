// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/x86_64/boot_cpu.h"

#include <gtest/gtest.h>

#include "src/base/file.h"

namespace lifeboat::x86_64 {
namespace {

class BootCpu : public testing::Test {
 protected:
  [[nodiscard]] std::string parameter(std::string_view cpuinfo) const {
    EXPECT_TRUE(write_file_atomically(folder_.path() / "cpuinfo", as_byte_span(cpuinfo), 0600));
    return boot_cpu_parameter(folder_.path()).value_or("unknown");
  }
  TempDir folder_ = TempDir::create("boot-cpu-test").value();
};

TEST_F(BootCpu, IsCpu0ByTheNumberThatFirmwareGaveIt) {
  EXPECT_EQ(
      parameter("processor\t: 0\nmodel name\t: x: y\napicid\t\t: 6\ninitial apicid\t: 4\nflags\t\t: fpu\n\n"
                "processor\t: 1\napicid\t\t: 8\ninitial apicid\t: 8\n\n"),
      "disable_cpu_apicid=4");
  EXPECT_EQ(parameter("processor\t: 0\napicid\t\t: 6\n"), "disable_cpu_apicid=6");
  EXPECT_EQ(parameter("processor\t: 0\ninitial apicid\t: 2147483647\n"), "disable_cpu_apicid=2147483647");
}

TEST_F(BootCpu, IsTheOneThatThisKernelWasToldToLeaveOut) {
  ASSERT_TRUE(write_file_atomically(folder_.path() / "cmdline",
                                    as_byte_span("ro disable_cpu_apicid=0 quiet\n"), 0600));
  EXPECT_EQ(parameter("processor\t: 0\ninitial apicid\t: 4\n"), "disable_cpu_apicid=0");
}

TEST_F(BootCpu, IsNotKnownWhenItIsOffLine) {
  EXPECT_EQ(parameter("processor\t: 1\ninitial apicid\t: 2\n\nprocessor\t: 2\ninitial apicid\t: 4\n\n"),
            "unknown");
}

TEST_F(BootCpu, IsNotKnownWithoutAUsableNumber) {
  for (const char* text :
       {"", "\n", "processor\t: 0\n", "processor\t: 0\ninitial apicid\t: \n",
        "processor\t: 0\ninitial apicid\t: x\n",
        // Another CPU's.
        "processor\t: 0\n\nprocessor\t: 1\ninitial apicid\t: 2\n",
        // The kernel reads an int, and prints one.
        "processor\t: 0\ninitial apicid\t: 2147483648\n", "processor\t: 0\ninitial apicid\t: -1\n",
        // Other architectures.
        "processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\n", "hart\t: 0\n"})
    EXPECT_EQ(parameter(text), "unknown") << text;
  EXPECT_FALSE(boot_cpu_parameter(folder_.path() / "nowhere"));
}

}  // namespace
}  // namespace lifeboat::x86_64
