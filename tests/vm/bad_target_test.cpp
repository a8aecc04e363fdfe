// SPDX-License-Identifier: GPL-2.0-or-later
// A target is not as the plan describes it: the capture kernel reports it, loses nothing, and ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class BadTarget : public ::testing::Test {
 protected:
  // A rehearsal that is expected to fail; its folder.
  std::filesystem::path rehearse(const std::string& name, const std::vector<std::string>& options) {
    const auto out = rehearsals() / name;
    std::filesystem::remove_all(out);
    std::filesystem::create_directories(rehearsals());
    const auto kernel = cache() / "kernels/6.12";
    std::vector<std::string> arguments = {"rehearse",
                                          "--accel",
                                          "tcg",
                                          "--kernel",
                                          kernel / "vmlinuz",
                                          "--modules",
                                          std::filesystem::canonical(kernel / "modules"),
                                          "-o",
                                          out,
                                          "--memory",
                                          "768M",
                                          "--cpus",
                                          "1"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const auto output = run_lifeboat(arguments, std::chrono::minutes(10));
    EXPECT_EQ(output.status, 1) << output.text;
    return out;
  }
  static bool powered_off(const std::filesystem::path& out) {
    const auto timings = nlohmann::json::parse(text_of(out / "timings.json"));
    return timings["guest"].back()["phase"] == "power-off";
  }
};

TEST_F(BadTarget, a_missing_device_is_given_up_at_the_deadline) {
  const auto out = rehearse("missing-device", {"--target-uuid", "00000000-1111-2222-3333-444444444444"});
  const std::string console = text_of(out / "capture.console");
  EXPECT_THAT(console,
              ContainsRegex("no device with the file system 00000000-1111-2222-3333-444444444444 appeared"));
  EXPECT_THAT(console, HasSubstr("/dev/vda"));  // what there was instead
  // The last resort: the end of the crashed kernel's log on the console, which may be recorded.
  EXPECT_THAT(console, HasSubstr("Kernel panic - not syncing: sysrq triggered crash"));
  EXPECT_TRUE(powered_off(out));
  // They have the marks of its phases with them, which are not reached again.
  EXPECT_THAT(console, HasSubstr("lifeboat: phase guest-panic"));
  std::vector<std::string> phases;
  // A name of its own: what a temporary leads to would be gone in the loop.
  const auto timings = nlohmann::json::parse(text_of(out / "timings.json"));
  for (const auto& step : timings["guest"]) phases.push_back(step["phase"]);
  EXPECT_EQ(std::ranges::count(phases, "guest-panic"), 1);
  EXPECT_EQ(std::ranges::count(phases, "guest-start"), 1);
}

TEST_F(BadTarget, a_full_disk_keeps_the_log_and_marks_the_dump) {
  // Room for the kernel, the initramfs and the log; not for the memory.
  const auto out = rehearse("full-disk", {"--disk-size", "48M", "--level", "0", "--compress", "none"});
  EXPECT_THAT(text_of(out / "vmcore-dmesg.txt"),
              HasSubstr("Kernel panic - not syncing: sysrq triggered crash"));
  EXPECT_FALSE(std::filesystem::exists(out / "vmcore"));
  EXPECT_THAT(text_of(out / "capture.console"), HasSubstr("No space left on device"));
  EXPECT_EQ(run_lifeboat({"verify", out / "vmcore.incomplete"}).status, 3);
  // The dump took every block; these had theirs before.
  EXPECT_THAT(text_of(out / "capture.log"), HasSubstr("No space left on device"));
  EXPECT_EQ(nlohmann::json::parse(text_of(out / "manifest.json"))["outcome"], "incomplete");
  EXPECT_TRUE(powered_off(out));
}

}  // namespace
}  // namespace lifeboat::test
