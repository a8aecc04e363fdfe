// SPDX-License-Identifier: GPL-2.0-or-later
// The dump level `none`: log and report instead of a dump, as each command shows it; and the same where a
// dump was wanted, and did not fit.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/fake_system.h"
#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;

class LogOnly : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!find_program("unshare")) GTEST_SKIP() << "a /run of its own needs unshare";
    FakeSystem().fake.write_elf(path("vmcore"));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return temp_.path() / name; }
  [[nodiscard]] bool has(const std::string& name) const { return fs::exists(path(name)); }

  struct Answer {
    int status = -1;
    Json json;
  };
  // In a mount namespace with a /run of its own; `before`: a command for the shell.
  static Answer ask(const std::string& arguments, const std::string& before = "true") {
    const auto output = run({"unshare", "--mount", "--map-root-user", "sh", "-c",
                             "mount -t tmpfs none /run; " + before + "; exec " + lifeboat_program() + " " +
                                 arguments + " --json 2>/dev/null"});
    return {.status = output.status, .json = Json::parse(output.text, nullptr, false)};
  }
  [[nodiscard]] Json the_crash(const std::string& command) const {
    const auto answer = ask(command + " --store " + path("store"));
    const Json crashes = command == "list" ? answer.json : answer.json["crashes"];
    EXPECT_EQ(crashes.size(), 1U) << answer.json;
    return crashes.empty() ? Json() : crashes[0];
  }
  // Smaller than the dump, larger than what is always saved (blocks of 512 bytes).
  static constexpr const char* kSmall = "ulimit -f 192";

  TempDir temp_ = TempDir::create("log-only-test").value();
};

TEST_F(LogOnly, InAStoreIsComplete) {
  const auto answer = ask("capture " + path("vmcore") + " --store-folder " + path("store") + " --level none");
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.json["outcome"], "log only");
  EXPECT_EQ(answer.json["whole"], false);
  EXPECT_EQ(answer.json["fell_back"], false);
  const std::string folder = answer.json["folder"];
  EXPECT_FALSE(fs::exists(folder + "/vmcore"));
  EXPECT_FALSE(fs::exists(folder + "/vmcore.incomplete"));
  EXPECT_TRUE(fs::exists(folder + "/vmcore-dmesg.txt"));
  EXPECT_TRUE(fs::exists(folder + "/report.txt"));
  const Json record = Json::parse(text_of(folder + "/manifest.json"));
  EXPECT_EQ(record["outcome"], "log only");
  EXPECT_EQ(record["dump_outcome"], "log only");
  EXPECT_EQ(record["fell_back"], false);
  EXPECT_TRUE(record["problems"].empty()) << record;
  for (const char* command : {"list", "collect"}) {
    const Json crash = the_crash(command);
    EXPECT_EQ(crash["outcome"], "log only") << command;
    EXPECT_EQ(crash["dump_outcome"], "log only") << command;
    EXPECT_EQ(crash["fell_back"], false) << command;
  }
  EXPECT_THAT(run_lifeboat({"list", "--store", path("store")}).text, HasSubstr("log only, as configured"));
  for (const std::string& what : {folder, folder + "/vmcore"}) {
    for (const char* command : {"verify", "inspect"}) {
      const auto output = run_lifeboat({command, what});
      EXPECT_EQ(output.status, 1) << output.text;
      EXPECT_THAT(output.text, HasSubstr("has no dump: log only, as configured")) << command;
      EXPECT_THAT(output.text, HasSubstr("vmcore-dmesg.txt"));
    }
  }
}

TEST_F(LogOnly, BesideAFileIsThreeFiles) {
  const auto answer = ask("capture " + path("vmcore") + " " + path("out") + " --level none");
  EXPECT_EQ(answer.status, 0);
  EXPECT_TRUE(answer.json["dump"].is_null());
  EXPECT_EQ(answer.json["outcome"], "log only");
  EXPECT_EQ(answer.json["log"], path("out-dmesg.txt"));
  EXPECT_EQ(text_of(path("out-dmesg.txt")), run_lifeboat({"inspect", path("vmcore"), "log"}).text);
  EXPECT_TRUE(has("out-report.txt"));
  EXPECT_TRUE(Json::parse(text_of(path("out-report.json"))).is_object());
  EXPECT_FALSE(has("out"));
  EXPECT_FALSE(has("out.incomplete"));
  // What is there is not overwritten.
  EXPECT_EQ(ask("capture " + path("vmcore") + " " + path("out") + " --level none").status, 2);
}

TEST_F(LogOnly, WhereNoDumpFitsIsToldApart) {
  const std::string store = "capture " + path("vmcore") + " --store-folder " + path("store");
  const auto answer = ask(store + " --level 0,none --compress none", kSmall);
  EXPECT_EQ(answer.status, 1) << "a dump was wanted";
  EXPECT_EQ(answer.json["outcome"], "log only");
  EXPECT_EQ(answer.json["fell_back"], true);
  const Json crash = the_crash("list");
  EXPECT_EQ(crash["outcome"], "log only");
  EXPECT_EQ(crash["dump_outcome"], "log only");
  EXPECT_EQ(crash["fell_back"], true);
  EXPECT_THAT(run_lifeboat({"list", "--store", path("store")}).text, HasSubstr("too small for the dump"));
  EXPECT_FALSE(fs::exists(crash["folder"].get<std::string>() + "/vmcore.incomplete"));

  const auto file =
      ask("capture " + path("vmcore") + " " + path("out") + " --level 0,none --compress none", kSmall);
  EXPECT_EQ(file.status, 1);
  EXPECT_EQ(file.json["fell_back"], true);
  EXPECT_TRUE(file.json["dump"].is_null());
  EXPECT_TRUE(has("out-dmesg.txt"));
  EXPECT_FALSE(has("out") || has("out.incomplete"));
}

TEST_F(LogOnly, IsTheLastLevel) {
  for (const char* levels : {"none,31", "31,none,1", "none,none", "nothing"}) {
    EXPECT_EQ(run_lifeboat({"capture", path("vmcore"), path("out"), "--level", levels}).status, 2) << levels;
    EXPECT_EQ(run_lifeboat({"rehearse", "-o", path("rehearsal"), "--level", levels}).status, 2) << levels;
    const std::string config = fmt::format("[dump]\nlevel = {}\n", levels);
    ASSERT_TRUE(write_file_atomically(path("conf"), as_byte_span(config), 0600));
    EXPECT_NE(run_lifeboat({"config", "check", "--config", path("conf")}).status, 0) << levels;
  }
  ASSERT_TRUE(write_file_atomically(path("conf"), as_byte_span("[dump]\nlevel = 31, none\n"), 0600));
  const auto shown = run_lifeboat({"config", "show", "--config", path("conf")});
  EXPECT_EQ(shown.status, 0) << shown.text;
  EXPECT_THAT(shown.text, HasSubstr("31,none"));
}

}  // namespace
}  // namespace lifeboat::test
