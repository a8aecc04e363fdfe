// SPDX-License-Identifier: GPL-2.0-or-later
// What a user sees who is not root: a clear message, and never a guess.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class NoPrivilege : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "root is needed, to have what others may not see";
    fs::permissions(temp_.path(), fs::perms(0755));
    // The build tree may lie where nobody else can look.
    fs::copy_file(lifeboat_program(), path("lifeboat"));
    fs::create_directories(path("store/2026-01-01-crash"));
    fs::permissions(path("store"), fs::perms(0700));
    const std::string config = "[target]\npath = " + path("store") + "\n";
    ASSERT_TRUE(write_file_atomically(path("config"), as_byte_span(config), 0644));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return temp_.path() / name; }
  [[nodiscard]] ProcessOutput as_nobody(std::vector<std::string> more) const {
    std::vector<std::string> argv = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                     path("lifeboat")};
    argv.insert(argv.end(), more.begin(), more.end());
    return run(argv);
  }
  TempDir temp_ = TempDir::create("no-privilege-test").value();
};

TEST_F(NoPrivilege, StatusAnswersAnybody) {
  const auto text = as_nobody({"status"});
  EXPECT_THAT(text.status, AnyOf(0, 3)) << text.text;
  EXPECT_THAT(text.text, HasSubstr("armed"));
  const auto json = as_nobody({"status", "--json"});
  EXPECT_EQ(json.status, text.status) << json.text;
  EXPECT_TRUE(nlohmann::json::parse(json.text).at("armed").is_boolean());
}

TEST_F(NoPrivilege, CheckReportsThatItNeedsRoot) {
  const auto output = as_nobody({"check"});
  EXPECT_EQ(output.status, 1) << output.text;
  EXPECT_THAT(output.text, HasSubstr("check: cannot read all that is needed without root"));
  EXPECT_THAT(output.text, HasSubstr("lifeboat status"));
}

TEST_F(NoPrivilege, WhatOnlyRootMayDoIsRefused) {
  const auto output = as_nobody({"unload", "--crash"});
  EXPECT_EQ(output.status, 1) << output.text;
  EXPECT_THAT(output.text, HasSubstr("fix: run as root"));
}

TEST_F(NoPrivilege, ListDoesNotTakeWhatItMayNotSeeForNothing) {
  const auto output = as_nobody({"list", "--config", path("config")});
  EXPECT_EQ(output.status, 1) << output.text;
  EXPECT_THAT(output.text, HasSubstr(path("store")));
  EXPECT_THAT(output.text, Not(HasSubstr("no crash has been saved")));
}

TEST_F(NoPrivilege, ALoadReportsWhatIsMissing) {
  const auto output = as_nobody({"load", "--crash", "--config", path("config")});
  EXPECT_EQ(output.status, 1) << output.text;
  EXPECT_THAT(output.text, HasSubstr("fix: "));
}

}  // namespace
}  // namespace lifeboat::test
