// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat capture SOURCE --store`: one at a time, and nothing is left of one that is killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "tests/support/fake_system.h"
#include "tests/support/pipes.h"
#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

class CaptureStore : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || !find_program("unshare"))
      GTEST_SKIP() << "a /run of its own needs root and unshare";
    FakeSystem().fake.write_elf(path("vmcore"));
    fs::create_directory(path("run"));
    put("hook", fmt::format("#!/bin/sh\necho x >/proc/self/fd/{}\nsleep 1000\n", family_.writer()), 0755);
    put("slow.conf", "[capture]\nhook_before = " + path("hook") + "\nhook_deadline = 1000s\n", 0600);
    put("lifeboat.conf", "", 0600);
    const auto works = run({"unshare", "-m", "true"});
    if (works.status != 0) GTEST_SKIP() << works.text;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return temp_.path() / name; }
  void put(const std::string& name, std::string_view text, mode_t mode) const {
    write_file_atomically(path(name), as_byte_span(text), mode).value();
  }
  // With a /run that only this test has.
  [[nodiscard]] std::vector<std::string> capture(const std::string& config) const {
    return {"unshare",
            "-m",
            "sh",
            "-c",
            "mount --bind \"$0\" /run && exec \"$@\"",
            path("run"),
            lifeboat_program(),
            "capture",
            path("vmcore"),
            "--store-folder",
            path("store"),
            "--config",
            path(config)};
  }

  TempDir temp_ = TempDir::create("capture-store-test").value();
  FamilyPipe family_;
};

TEST_F(CaptureStore, ASecondOneIsRefusedAndAKilledOneLeavesNothing) {
  auto first = ChildProcess::start(capture("slow.conf"), {}).value();
  family_.leave_to_family();
  ASSERT_TRUE(family_.hears());
  const auto second = run(capture("lifeboat.conf"));
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.text, HasSubstr(fmt::format("process {}", first.pid())));
  EXPECT_FALSE(fs::exists(path("store")));
  first.kill();
  EXPECT_TRUE(family_.all_gone()) << "a hook goes on";
  const auto third = run(capture("lifeboat.conf"));
  EXPECT_EQ(third.status, 0) << third.text;
}

}  // namespace
}  // namespace lifeboat::test
