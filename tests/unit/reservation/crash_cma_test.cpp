// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/crash_cma.h"

#include <gtest/gtest.h>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/reservation/reserved.h"

namespace lifeboat::reservation {
namespace {

class CrashCma : public testing::Test {
 protected:
  CrashCma() {
    put("proc/kallsyms", "0000000000000000 T _text\n0000000000000000 B crashk_res\n");
    put("proc/meminfo", "MemTotal: 1 kB\nCmaTotal: 0 kB\n");
    put("proc/cmdline", "ro crashkernel=100M crashkernel=200M,cma\n");
    put("sys/kernel/kexec_crash_size", "104857600\n");
  }
  void put(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), 0600));
  }
  void remove(const char* name) const { std::filesystem::remove(folder_.path() / name); }
  [[nodiscard]] SystemPaths paths() const {
    return {
        .sys = folder_.path() / "sys", .proc = folder_.path() / "proc", .iomem = {}, .run = folder_.path()};
  }
  TempDir folder_ = TempDir::create("cma-test").value();
};

TEST_F(CrashCma, WhatTheKernelShows) {
  EXPECT_EQ(crash_cma_support(paths()), CmaSupport::no);
  put("proc/kallsyms", "0000000000000000 T _text\n0000000000000000 B crashk_cma_cnt\n");
  EXPECT_EQ(crash_cma_support(paths()), CmaSupport::yes);
  // A kernel that lists functions alone, with and without the allocator.
  put("proc/kallsyms", "0000000000000000 t reserve_crashkernel_cma\n");
  EXPECT_EQ(crash_cma_support(paths()), CmaSupport::yes);
  put("proc/meminfo", "MemTotal: 1 kB\n");
  EXPECT_EQ(crash_cma_support(paths()), CmaSupport::no);
  remove("proc/kallsyms");
  EXPECT_EQ(crash_cma_support(paths()), CmaSupport::unknown);
  put("sys/kernel/kexec/crash_cma_ranges", "");
  EXPECT_EQ(crash_cma_support(paths()), CmaSupport::no);
  put("sys/kernel/kexec/crash_cma_ranges", "30000000-3fffffff\n");
  EXPECT_EQ(crash_cma_support(paths()), CmaSupport::yes);
}

// The list of all symbols is not read then: it takes the kernel long to make.
TEST_F(CrashCma, BtfHasTheFunctionsName) {
  put("proc/kallsyms", "0000000000000000 T _text\n0000000000000000 B crashk_cma_cnt\n");
  put("sys/kernel/btf/vmlinux",
      std::string_view("\0not_reserve_crashkernel_cma\0reserve_crashkernel_cma_x\0", 54));
  EXPECT_EQ(crash_cma_support(paths()), CmaSupport::no);
  put("sys/kernel/btf/vmlinux", std::string_view("int\0reserve_crashkernel_cma\0int\0", 32));
  EXPECT_EQ(crash_cma_support(paths()), CmaSupport::yes);
  put("proc/meminfo", "MemTotal: 1 kB\n");
  EXPECT_EQ(crash_cma_support(paths()), CmaSupport::no);
}

TEST_F(CrashCma, ASymbolOfAModuleIsNotTheKernels) {
  put("proc/kallsyms", "0000000000000000 T _text\n0000000000000000 b crashk_cma_cnt\t[x]\n");
  EXPECT_EQ(crash_cma_support(paths()), CmaSupport::no);
}

TEST_F(CrashCma, LessThanWasRequested) {
  // A kernel that shows no ranges may have reserved them.
  EXPECT_FALSE(read_reserved(paths()).cma_got);
  EXPECT_NE(cma_shortage(read_reserved(paths())), "");
  put("sys/kernel/kexec/crash_cma_ranges", "");
  EXPECT_EQ(read_reserved(paths()).cma_got, uint64_t{0});
  EXPECT_NE(cma_shortage(read_reserved(paths())), "");
  put("sys/kernel/kexec/crash_cma_ranges", "10000000-15ffffff\n");
  EXPECT_EQ(read_reserved(paths()).cma_got, 96_MiB);
  EXPECT_NE(cma_shortage(read_reserved(paths())), "");
  put("sys/kernel/kexec/crash_cma_ranges", "10000000-15ffffff\n20000000-267fffff\n");
  EXPECT_EQ(read_reserved(paths()).cma_got, 200_MiB);
  EXPECT_EQ(cma_shortage(read_reserved(paths())), "");
}

TEST_F(CrashCma, NothingWasRequested) {
  put("proc/cmdline", "ro crashkernel=100M\n");
  EXPECT_EQ(read_reserved(paths()).cma_got, uint64_t{0});
  EXPECT_EQ(cma_shortage(read_reserved(paths())), "");
}

TEST(CrashCmaLevels, ThoseThatKeepUserPages) {
  EXPECT_EQ(level_with_user_pages({31}), std::nullopt);
  EXPECT_EQ(level_with_user_pages({24, 8, 31}), std::nullopt);
  EXPECT_EQ(level_with_user_pages({31, 17}), 17);
  EXPECT_EQ(level_with_user_pages({0}), 0);
  EXPECT_EQ(level_with_user_pages({}), std::nullopt);
  EXPECT_FALSE(crash_cma_costs().empty());
}

}  // namespace
}  // namespace lifeboat::reservation
