// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/dump_kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/dump/byte_source.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::KdumpBuilder;
using test::why;
using testing::HasSubstr;

Result<> check(const KdumpBuilder& builder) {
  return check_machine(*Dump::open(memory_byte_source(builder.build(), "test")).value(), "the file");
}

TEST(DumpKernel, OfAMachineWhoseMemoryCanBeRead) {
  EXPECT_TRUE(check(KdumpBuilder(64).zero_page(3)));
  EXPECT_TRUE(check(KdumpBuilder(64).zero_page(3).machine(""))) << "not named";
}

TEST(DumpKernel, OfAnotherMachineIsRefusedWithWhatIsKnown) {
  for (const char* machine : {"aarch64", "riscv64", "x86_64x", "a\033b"}) {
    const auto checked = check(KdumpBuilder(64).zero_page(3).machine(machine));
    EXPECT_EQ(test::code_of(checked), ErrorCode::unsupported) << machine;
    EXPECT_THAT(why(checked), HasSubstr("the file is of an architecture"));
    EXPECT_THAT(why(checked), HasSubstr("its kernel is 6.1.0-test, which crashed at 2026-11-23T08:42:28Z"));
    EXPECT_THAT(why(checked), testing::Not(HasSubstr("\033")));
  }
}

TEST(DumpKernel, OfAPageSizeThatTheMachineDoesNotHaveIsRefused) {
  const auto checked = check(KdumpBuilder(64, PageSize::of(16384).value()).zero_page(3));
  EXPECT_EQ(test::code_of(checked), ErrorCode::unsupported);
  EXPECT_THAT(why(checked), HasSubstr("pages of 16384 bytes"));
}

TEST(DumpKernel, KernelOfAnotherMachineIsNotLookedFor) {
  const auto dump =
      Dump::open(
          memory_byte_source(
              KdumpBuilder(64).zero_page(3).vmcoreinfo("OSRELEASE=6.1.0-test\n").machine("aarch64").build(),
              "test"))
          .value();
  EXPECT_THAT(why(kernel_of(*dump)), HasSubstr("(aarch64)"));
}

}  // namespace
}  // namespace lifeboat
