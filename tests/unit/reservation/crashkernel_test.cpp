// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/crashkernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(CrashKernel, ASize) {
  const auto parameter = parse_crashkernel("256M").value();
  EXPECT_EQ(parameter.kind, CrashKernelKind::normal);
  EXPECT_EQ(parameter.size, 256_MiB);
  EXPECT_FALSE(parameter.offset);
  EXPECT_EQ(parameter.size_for(2_GiB, false), 256_MiB);
}

TEST(CrashKernel, NumbersAsTheKernelReadsThem) {
  EXPECT_EQ(parse_crashkernel("0x10000000")->size, 256_MiB);
  EXPECT_EQ(parse_crashkernel("0x100m")->size, 256_MiB);
  EXPECT_EQ(parse_crashkernel("0400M")->size, 256_MiB);
  EXPECT_EQ(parse_crashkernel("1g")->size, 1_GiB);
  EXPECT_EQ(parse_crashkernel("262144k")->size, 256_MiB);
}

TEST(CrashKernel, AnOffset) {
  EXPECT_EQ(parse_crashkernel("64M@16M")->offset, 16_MiB);
  const auto ranges = parse_crashkernel("2G-:256M@0x1000000").value();
  EXPECT_EQ(ranges.offset, 16_MiB);
  EXPECT_THAT(ranges.ranges, SizeIs(1));
}

TEST(CrashKernel, Kinds) {
  EXPECT_EQ(parse_crashkernel("1G,high")->kind, CrashKernelKind::high);
  EXPECT_EQ(parse_crashkernel("128M,low")->kind, CrashKernelKind::low);
  EXPECT_EQ(parse_crashkernel("2G,cma")->kind, CrashKernelKind::cma);
  EXPECT_EQ(parse_crashkernel("2G,cma")->size, 2_GiB);
}

TEST(CrashKernel, Ranges) {
  const auto parameter = parse_crashkernel("2G-64G:256M,64G-:1G").value();
  EXPECT_THAT(parameter.ranges,
              ElementsAre(RamRange{2_GiB, 64_GiB, 256_MiB}, RamRange{64_GiB, UINT64_MAX, 1_GiB}));
  EXPECT_EQ(parameter.size_for(1_GiB, false), 0U);
  EXPECT_EQ(parameter.size_for(2_GiB, false), 256_MiB);
  EXPECT_EQ(parameter.size_for(64_GiB - 1, false), 256_MiB);
  EXPECT_EQ(parameter.size_for(64_GiB, false), 1_GiB);
}

// A machine of 2 GiB has some less for the kernel.
TEST(CrashKernel, SomeKernelsRoundTheMachinesMemory) {
  const auto parameter = parse_crashkernel("2G-:256M").value();
  EXPECT_EQ(parameter.size_for(2_GiB - 4_MiB, false), 0U);
  EXPECT_EQ(parameter.size_for(2_GiB - 4_MiB, true), 256_MiB);
}

TEST(CrashKernel, ARangeThatAsksForMoreThanThereIsEndsTheSearch) {
  const auto parameter = parse_crashkernel("0-1G:4G,1G-:256M").value();
  EXPECT_EQ(parameter.size_for(2_GiB, false), 0U);
}

TEST(CrashKernel, MistakesAreReportedWithTheirReason) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"", "does not begin with a size"},
      {"auto", "does not begin with a size"},
      {"M", "does not begin with a size"},
      {"-256M", "does not begin with a size"},
      {"256MB", "'B' at the end"},
      {"256M,hight", "',hight' at the end"},
      {"256M,high,low", "',high' at the end"},
      {"256M@", "no address"},
      {"256M@x", "no address"},
      {"2G-1G:64M", "ends before it begins"},
      {"2G-2G:64M", "ends before it begins"},
      {"2G:64M", "a '-' is missing"},
      {"2G-4G:", "size of a range is missing"},
      {"2G-4G", "'-4G' at the end"},
      {"2G-4G:64M,", "a range begins with a size"},
      {"2G-x:64M", "ends with a size, or is open"},
      {"2G-4G:64M,high", "cannot be combined with"},
      {"99999999999999999999", "does not begin with a size"},
      {"17179869184G", "does not begin with a size"},
  };
  for (const auto& [value, why] : mistakes) {
    const auto parameter = parse_crashkernel(value);
    ASSERT_FALSE(parameter) << value;
    EXPECT_THAT(parameter.error().message, HasSubstr(why)) << value;
    EXPECT_EQ(parameter.error().code, ErrorCode::usage);
  }
}

TEST(CrashKernel, TheLastOfAKindCounts) {
  const auto request = crashkernel_request("ro crashkernel=64M quiet crashkernel=128M crashkernel=1G,cma\n");
  ASSERT_TRUE(request.main);
  EXPECT_EQ(request.main->size, 128_MiB);
  EXPECT_EQ(request.cma->size, 1_GiB);
  EXPECT_FALSE(request.low);
  EXPECT_THAT(request.parameters, SizeIs(3));
}

TEST(CrashKernel, HighTakesLowWithIt) {
  const auto request = crashkernel_request("crashkernel=1G,high crashkernel=128M,low");
  EXPECT_EQ(request.main->kind, CrashKernelKind::high);
  EXPECT_EQ(request.low->size, 128_MiB);
}

TEST(CrashKernel, ANormalOneMakesHighAndLowCountForNothing) {
  const auto request = crashkernel_request("crashkernel=256M crashkernel=1G,high crashkernel=128M,low");
  EXPECT_EQ(request.main->kind, CrashKernelKind::normal);
  EXPECT_FALSE(request.low);
  EXPECT_FALSE(crashkernel_request("crashkernel=128M,low").main);
}

TEST(CrashKernel, OtherParametersAreNotIt) {
  EXPECT_FALSE(crashkernel_request("notcrashkernel=64M ro -- crashkernel=64M").any());
  const auto request = crashkernel_request("crashkernel=64MB crashkernel=128M");
  EXPECT_THAT(request.mistakes, ElementsAre(HasSubstr("64MB")));
  EXPECT_EQ(request.main->size, 128_MiB);
}

}  // namespace
}  // namespace lifeboat::reservation
