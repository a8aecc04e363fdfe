// SPDX-License-Identifier: GPL-2.0-or-later
// A real crash at the dump level `none`: log and report, no dump.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class LogOnlyRehearsal : public ::testing::Test {
 protected:
  void rehearse(const std::string& name, const std::vector<std::string>& options, int status) {
    out_ = rehearsals() / name;
    fs::remove_all(out_);
    fs::create_directories(rehearsals());
    const auto kernel = cache() / "kernels/6.12";
    std::vector<std::string> arguments = {"rehearse",
                                          "--accel",
                                          "tcg",
                                          "--kernel",
                                          kernel / "vmlinuz",
                                          "--modules",
                                          fs::canonical(kernel / "modules"),
                                          "-o",
                                          out_,
                                          "--memory",
                                          "768M",
                                          "--cpus",
                                          "1",
                                          "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const auto output = run_lifeboat(arguments, std::chrono::minutes(10));
    EXPECT_EQ(output.status, status) << output.text;
  }
  [[nodiscard]] Json json(const char* name) const { return Json::parse(text_of(out_ / name)); }
  void expect_log_and_report() const {
    EXPECT_THAT(text_of(out_ / "vmcore-dmesg.txt"),
                HasSubstr("Kernel panic - not syncing: sysrq triggered crash"));
    EXPECT_EQ(json("report.json")["kind"], "sysrq");
    for (const char* dump : {"vmcore", "vmcore.incomplete"}) EXPECT_FALSE(fs::exists(out_ / dump)) << dump;
    EXPECT_EQ(json("manifest.json")["outcome"], "log only");
    EXPECT_EQ(json("manifest.json")["dump_outcome"], "log only");
    const std::string console = text_of(out_ / "capture.console");
    EXPECT_THAT(console, HasSubstr("lifeboat: phase capture-log-only"));
    EXPECT_THAT(console, Not(HasSubstr("lifeboat: phase capture-failed")));
    EXPECT_EQ(json("timings.json")["guest"].back()["phase"], "power-off");
  }

  fs::path out_;
};

TEST_F(LogOnlyRehearsal, succeeds_without_a_dump_where_none_is_wanted) {
  ASSERT_NO_FATAL_FAILURE(rehearse("log-only", {"--level", "none"}, 0));
  expect_log_and_report();
  EXPECT_EQ(json("result.json")["outcome"], "log only");
  EXPECT_EQ(json("result.json")["fell_back"], false);
  EXPECT_EQ(json("result.json")["problem"], "");
  const Json record = json("manifest.json");
  EXPECT_EQ(record["fell_back"], false);
  EXPECT_TRUE(record["problems"].empty()) << record;
  EXPECT_EQ(record["kind"], "sysrq");
}

using LongLogOnlyRehearsal = LogOnlyRehearsal;

TEST_F(LongLogOnlyRehearsal, fails_where_a_dump_was_wanted_and_did_not_fit) {
  ASSERT_NO_FATAL_FAILURE(
      rehearse("log-only-full-disk", {"--disk-size", "48M", "--level", "0,none", "--compress", "none"}, 1));
  expect_log_and_report();
  EXPECT_EQ(json("result.json")["fell_back"], true);
  EXPECT_EQ(json("manifest.json")["fell_back"], true);
}

}  // namespace
}  // namespace lifeboat::test
