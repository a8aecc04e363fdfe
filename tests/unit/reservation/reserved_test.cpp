// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/reserved.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ReservedMemory : public testing::Test {
 protected:
  ReservedMemory() {
    put("proc/cmdline", "ro crashkernel=256M,high crashkernel=64M,low\n");
    put("proc/iomem",
        "00100000-7fffffff : System RAM\n  20000000-23ffffff : Crash kernel\n"
        "100000000-17fffffff : System RAM\n  160000000-16fffffff : Crash kernel\n");
    put("sys/kernel/kexec_crash_size", "335544320\n");
    put("sys/kernel/kexec_crash_loaded", "0\n");
  }
  void put(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), 0600));
  }
  [[nodiscard]] SystemPaths paths() const {
    return {
        .sys = folder_.path() / "sys", .proc = folder_.path() / "proc", .iomem = {}, .run = folder_.path()};
  }
  TempDir folder_ = TempDir::create("reserved-test").value();
};

TEST_F(ReservedMemory, AskedAndGot) {
  const Reserved reserved = read_reserved(paths());
  EXPECT_EQ(reserved.asked.main->kind, CrashKernelKind::high);
  EXPECT_EQ(reserved.asked_size, 256_MiB);
  EXPECT_EQ(reserved.got, 320_MiB);
  EXPECT_THAT(reserved.low, ElementsAre(MemoryRange{0x20000000, 0x24000000}));
  EXPECT_THAT(reserved.high, ElementsAre(MemoryRange{0x160000000, 0x170000000}));
  EXPECT_THAT(reserved.cma, IsEmpty());
  EXPECT_EQ(reserved.ram, 0x7ff00000U + 2_GiB);
  EXPECT_FALSE(reserved.addresses_hidden);
}

TEST_F(ReservedMemory, CmaIsReportedByTheKernel) {
  put("sys/kernel/kexec/crash_cma_ranges", "30000000-3fffffff\n");
  EXPECT_THAT(read_reserved(paths()).cma, ElementsAre(MemoryRange{0x30000000, 0x40000000}));
}

TEST_F(ReservedMemory, AddressesThatAreHidden) {
  put("proc/iomem", "00000000-00000000 : System RAM\n  00000000-00000000 : Crash kernel\n");
  const Reserved reserved = read_reserved(paths());
  EXPECT_TRUE(reserved.addresses_hidden);
  EXPECT_FALSE(reserved.ram);
  EXPECT_EQ(reserved.got, 320_MiB);
  EXPECT_EQ(reserved.asked_size, 256_MiB);
}

TEST_F(ReservedMemory, NothingIsReported) {
  for (const char* file : {"proc/cmdline", "proc/iomem", "sys/kernel/kexec_crash_size"})
    std::filesystem::remove(folder_.path() / file);
  const Reserved reserved = read_reserved(paths());
  EXPECT_FALSE(reserved.asked.any());
  EXPECT_FALSE(reserved.got);
  EXPECT_FALSE(reserved.addresses_hidden);
}

TEST_F(ReservedMemory, ShrinksWhileNothingIsLoaded) {
  EXPECT_EQ(shrink_reservation(paths(), 128_MiB).value(), 128_MiB);
  EXPECT_THAT(read_line(folder_.path() / "sys/kernel/kexec_crash_size").value(), HasSubstr("134217728"));
}

TEST_F(ReservedMemory, DoesNotShrinkUnderALoadedKernel) {
  put("sys/kernel/kexec_crash_loaded", "1\n");
  const auto shrunk = shrink_reservation(paths(), 128_MiB);
  ASSERT_FALSE(shrunk);
  EXPECT_EQ(shrunk.error().code, ErrorCode::busy);
  EXPECT_THAT(shrunk.error().fix, HasSubstr("unload --crash"));
}

TEST_F(ReservedMemory, DoesNotGrow) {
  EXPECT_EQ(shrink_reservation(paths(), 320_MiB).error().code, ErrorCode::usage);
  std::filesystem::remove(folder_.path() / "sys/kernel/kexec_crash_size");
  EXPECT_EQ(shrink_reservation(paths(), 1_MiB).error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace lifeboat::reservation
