// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/memory_watch.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/file.h"

namespace lifeboat::capture {
namespace {

// One state for the whole program, so one test covers all of it.
TEST(MemoryWatch, KeepsTheLeastThatWasAvailableAlsoWhenAChildSawIt) {
  const TempDir folder = TempDir::create("memory-watch").value();
  const std::string path = folder.path() / "meminfo";
  const auto look = [&](std::string_view text) {
    write_file_atomically(path, as_byte_span(text), 0600).value();
    ::usleep(110'000);  // it looks no more often than every 100 ms
    watch_memory();
  };
  look("MemTotal: 5 kB\nMemAvailable: 1 kB\n");
  EXPECT_FALSE(memory_use()) << "before anybody has started it";
  std::filesystem::remove(path);
  const std::string iomem = folder.path() / "iomem";
  ASSERT_TRUE(
      write_file_atomically(iomem,
                            as_byte_span("00001000-0009ffff : System RAM\n  00002000-00002fff : Kernel code\n"
                                         "10000000-13ffffff : System RAM\n"),
                            0600));
  start_memory_watch(path, iomem);  // no such file
  look("MemTotal: 5 kB\n");
  look("MemTotal:\nMemAvailable: x kB\n");
  EXPECT_FALSE(memory_use());

  look("MemTotal:         199840 kB\nMemFree: 1 kB\nMemAvailable:     150000 kB\n");
  ASSERT_TRUE(memory_use());
  EXPECT_EQ(memory_use()->reserved_kib, 65536U + 0x9f * 4);
  EXPECT_EQ(memory_use()->total_kib, 199840U);
  EXPECT_EQ(memory_use()->lowest_kib, 150000U);

  const pid_t child = ::fork();
  if (child == 0) {
    look("MemTotal: 199840 kB\nMemAvailable: 20000 kB\n");
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  look("MemTotal: 199840 kB\nMemAvailable: 90000 kB\n");
  EXPECT_EQ(memory_use()->lowest_kib, 20000U);
}

}  // namespace
}  // namespace lifeboat::capture
