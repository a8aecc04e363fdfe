// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/save_report.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/plan/capture_plan.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat::capture {
namespace {

TEST(SaveReport, LeavesMemoryForTheDump) {
  EXPECT_FALSE(report_memory(0));
  EXPECT_FALSE(report_memory(20_MiB));
  EXPECT_EQ(report_memory(40_MiB), 32_MiB);
  EXPECT_EQ(report_memory(uint64_t{1} << 40), 64_MiB);
}

// What cannot be read costs the report, and nobody else notices.
TEST(SaveReport, OfNoDumpIsNone) {
  const auto folder = TempDir::create("lifeboat-report");
  ASSERT_TRUE(folder);
  const auto fd = open_file(folder->path().string(), O_RDONLY | O_DIRECTORY);
  ASSERT_TRUE(fd);
  const std::string damaged = folder->path() / "damaged";
  ASSERT_TRUE(write_file_atomically(damaged,
                                    as_byte_span("\x7f"
                                                 "ELF and no more"),
                                    0600));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK), 0);
  const UniqueFd reader(ends[0]), writer(ends[1]);
  Heartbeat heartbeat(writer.get());
  EXPECT_FALSE(save_report(damaged, fd->get(), heartbeat));
  EXPECT_FALSE(save_report(folder->path() / "none", fd->get(), heartbeat));
  EXPECT_FALSE(std::filesystem::exists(folder->path() / kReportTextFile));
}

}  // namespace
}  // namespace lifeboat::capture
