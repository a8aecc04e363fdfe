// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/guest/guest_plan.h"

#include <gtest/gtest.h>

#include "tests/support/results.h"

namespace lifeboat::rehearse {
namespace {

TEST(GuestPlan, survives_being_written) {
  const GuestPlan plan{"/boot/vmlinuz", "/boot/capture.img", "console=ttyS1 panic=10 a=b", LoadCall::segments,
                       3};
  const auto again = GuestPlan::parse(plan.to_text());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kernel, plan.kernel);
  EXPECT_EQ(again->initramfs, plan.initramfs);
  EXPECT_EQ(again->command_line, plan.command_line);
  EXPECT_EQ(again->syscall, plan.syscall);
  EXPECT_EQ(again->panic_cpu, 3U);
  EXPECT_FALSE(GuestPlan::parse("kernel = /k\ninitramfs = /i\n")->panic_cpu);
  EXPECT_EQ(GuestPlan::parse("kernel = /k\ninitramfs = /i\n")->syscall, LoadCall::automatic);
}

TEST(GuestPlan, rejects_what_it_does_not_know) {
  for (const char* text :
       {"", "kernel = /k", "initramfs = /i", "kernel = k\ninitramfs = /i", "kernel",
        "kernel = /k\ninitramfs = /i\nother = 1", "kernel = /../k\ninitramfs = /i",
        "kernel = /k\ninitramfs = /i\ncommand_line = a\nb", "kernel = /k\ninitramfs = /i\nsyscall = other",
        "kernel = /k\ninitramfs = /i\npanic_cpu = ", "kernel = /k\ninitramfs = /i\npanic_cpu = 1024",
        "kernel = /k\ninitramfs = /i\npanic_cpu = -1"}) {
    EXPECT_EQ(test::code_of(GuestPlan::parse(text)), ErrorCode::usage) << text;
  }
}

}  // namespace
}  // namespace lifeboat::rehearse
