// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat config import`: what is printed and written, and the exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "src/base/file.h"
#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

class ConfigImport : public ::testing::Test {
 protected:
  void put(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0644));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return temp_.path() / name; }
  [[nodiscard]] ProcessOutput import(std::vector<std::string> more) const {
    std::vector<std::string> arguments = {"config", "import", "--root", temp_.path()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_lifeboat(arguments);
  }
  TempDir temp_ = TempDir::create("import-cli-test").value();
};

TEST_F(ConfigImport, WhatItWritesIsAConfiguration) {
  put("etc/kdump.conf", "path /srv/crash\ncore_collector makedumpfile -l -d 17\nfinal_action poweroff\n");
  const auto written = import({"-o", path("new.conf")});
  EXPECT_EQ(written.status, 0) << written.text;
  const auto shown = run_lifeboat({"config", "show", "--config", path("new.conf")});
  EXPECT_EQ(shown.status, 0) << shown.text;
  EXPECT_THAT(shown.text, HasSubstr("path = /srv/crash"));
  EXPECT_THAT(shown.text, HasSubstr("level = 17"));
  // It may be in use.
  EXPECT_EQ(import({"-o", path("new.conf")}).status, 2);
  EXPECT_EQ(import({"-o", path("new.conf"), "--force"}).status, 0);
}

TEST_F(ConfigImport, NothingIsWrittenUnlessAsked) {
  put("etc/default/kdump-tools", "KDUMP_COREDIR=/srv/crash\n");
  const auto printed = import({});
  EXPECT_EQ(printed.status, 0);
  EXPECT_THAT(printed.text, HasSubstr("path = /srv/crash"));
  EXPECT_FALSE(std::filesystem::exists(path("etc/lifeboat.conf")));
  EXPECT_FALSE(std::filesystem::exists(path("etc/lifeboat.conf.d")));
}

TEST_F(ConfigImport, WhatHasNoEquivalentIsTheExitCode) {
  put("etc/kdump.conf", "nfs server:/x\npath /a\nbogus 1\n");
  const auto printed = import({});
  EXPECT_EQ(printed.status, 3) << printed.text;
  EXPECT_THAT(printed.text, HasSubstr("/etc/kdump.conf:3: bogus 1: no equivalent"));
  const auto output = import({"--json"});
  EXPECT_EQ(output.status, 3);
  const auto json = Json::parse(output.text.substr(output.text.find('{')));
  EXPECT_FALSE(json.at("complete").get<bool>());
  ASSERT_EQ(json.at("settings").size(), 3U);
  for (const auto& setting : json.at("settings")) {
    EXPECT_EQ(setting.at("result"), "no equivalent");
    EXPECT_TRUE(setting.at("key").is_null());
    EXPECT_NE(setting.at("reason"), "");
  }
}

TEST_F(ConfigImport, FilesThatAreNotThere) {
  EXPECT_EQ(import({}).status, 1);
  EXPECT_EQ(import({path("absent")}).status, 1);
  put("etc/kdump.conf", "path /a\n");
  put("etc/default/kdump-tools", "KDUMP_COREDIR=/b\n");
  EXPECT_EQ(import({}).status, 2) << "two tools";
  EXPECT_EQ(import({path("etc/kdump.conf")}).status, 0);
}

TEST_F(ConfigImport, OptionsThatAreNotForIt) {
  EXPECT_EQ(run_lifeboat({"config", "import", "--config", path("x")}).status, 2);
  EXPECT_EQ(run_lifeboat({"config", "check", "-o", path("x")}).status, 2);
  EXPECT_EQ(run_lifeboat({"config", "show", path("x")}).status, 2);
  EXPECT_EQ(run_lifeboat({"reserve", "set", "256M", "--cma"}).status, 2);
  EXPECT_EQ(run_lifeboat({"reserve", "show", "--cma"}).status, 2);
}

}  // namespace
}  // namespace lifeboat::test
