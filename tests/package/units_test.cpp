// SPDX-License-Identifier: GPL-2.0-or-later
// Units and scripts, as systemd sees and runs them.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

const fs::path kSource = LIFEBOAT_SOURCE;

// Copies whose programs exist on this machine.
TempDir runnable_units() {
  TempDir folder = *TempDir::create("units");
  for (const auto& entry : fs::directory_iterator(kSource / "units")) {
    const std::string text =
        std::regex_replace(text_of(entry.path()), std::regex("/usr/sbin/lifeboat"), lifeboat_program());
    EXPECT_TRUE(write_file_atomically(folder.path() / entry.path().filename(), as_byte_span(text), 0644));
  }
  return folder;
}

TEST(Units, are_what_systemd_expects) {
  const TempDir folder = runnable_units();
  std::vector<std::string> command = {"systemd-analyze", "verify", "--man=no"};
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    std::string path = entry.path();
    if (const auto at = path.find("@."); at != std::string::npos) path.insert(at + 1, "6.12");
    command.push_back(path);
  }
  for (size_t i = 3; i < command.size(); ++i) {
    if (command[i].find('@') == std::string::npos) continue;
    // An instance is looked for beside its template.
    command[i] = fs::path(command[i]);
  }
  const auto output = run(command);
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_EQ(output.text.find("lifeboat"), std::string::npos) << output.text;
}

TEST(Units, are_sandboxed) {
  const TempDir folder = runnable_units();
  for (const char* unit : {"lifeboat-load.service", "lifeboat-reload.service", "lifeboat-collect.service"}) {
    const auto output = run({"systemd-analyze", "security", "--offline=true", "--threshold=50", "--no-pager",
                             folder.path() / unit});
    EXPECT_EQ(output.status, 0) << unit << ": "
                                << output.text.substr(output.text.rfind('\n', output.text.size() - 2));
  }
}

using Names = std::set<std::string>;

// What the lines of `KEY=` say, all words of them.
std::vector<std::string> words_of(const std::string& unit, const std::string& key) {
  std::vector<std::string> words;
  std::istringstream lines(text_of(kSource / "units" / unit));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key + "=")) continue;
    std::istringstream values(line.substr(key.size() + 1));
    for (std::string word; values >> word;) words.push_back(word);
  }
  return words;
}

// The system calls of a filter's words; a group ("@system-service") has others in it.
void add_calls(const std::string& word, Names& calls) {
  if (!word.starts_with('@')) {
    calls.insert(word);
    return;
  }
  std::istringstream lines(run({"systemd-analyze", "syscall-filter", word}).text);
  for (std::string name; lines >> name;) {
    // The line of a group's purpose.
    if (name == "#") {
      std::getline(lines, name);
    } else if (name != word) {
      add_calls(name, calls);
    }
  }
}

// The functions of other libraries that the program calls.
Names imports() {
  Names names;
  std::istringstream lines(
      run({"nm", "--dynamic", "--undefined-only", "--without-symbol-versions", lifeboat_program()}).text);
  for (std::string kind, name; lines >> kind >> name;) names.insert(name);
  return names;
}

// A filter that forbids what the program does was found by a machine that did not load any more.
TEST(Units, filters_allow_what_the_program_calls) {
  Names known;
  add_calls("@known", known);
  ASSERT_TRUE(known.contains("syslog"));
  const std::map<std::string, std::string> other_names = {{"klogctl", "syslog"}};
  // syscall(3) is not a call of its own; what is called by it is not seen here. Of other commands: what only
  // lifeboat-init, or another unit, does.
  const Names elsewhere = {"mount",      "umount2", "unshare",      "setns",  "chroot",
                           "pivot_root", "swapon",  "finit_module", "syscall"};
  const std::map<std::string, Names> units = {{"lifeboat-load.service", {"fsopen", "fsconfig", "fsmount"}},
                                              {"lifeboat-collect.service", {"reboot", "syslog"}}};
  Names calls;
  for (const auto& name : imports()) {
    const auto other = other_names.find(name);
    const std::string& call = other != other_names.end() ? other->second : name;
    if (known.contains(call) && !elsewhere.contains(call)) calls.insert(call);
  }
  ASSERT_GT(calls.size(), 20U);
  for (const auto& [unit, others] : units) {
    Names allowed;
    add_calls("@default", allowed);
    for (const auto& word : words_of(unit, "SystemCallFilter")) add_calls(word, allowed);
    for (const auto& call : calls) {
      EXPECT_TRUE(allowed.contains(call) || others.contains(call)) << unit << " forbids " << call;
    }
    EXPECT_EQ(words_of(unit, "SystemCallErrorNumber"), std::vector<std::string>{"EPERM"}) << unit;
  }
}

// A unit that had failed is forgotten with the package; where systemd does not run it is not asked.
TEST(Scripts, a_removal_forgets_what_failed) {
  const auto remove = [](const std::string& systemd) {
    const auto output =
        run({"unshare", "--mount", "--map-root-user", "sh", "-c",
             "mount -t tmpfs tmpfs /run && mkdir -p /run/bin " + systemd +
                 " && printf '#!/bin/sh\\necho \"$@\" >>/run/asked\\nexit 1\\n' >/run/bin/systemctl && "
                 "chmod +x /run/bin/systemctl && touch /run/asked && PATH=/run/bin:$PATH \"$1\" remove && "
                 "cat /run/asked",
             "sh", kSource / "packaging/debian/postrm"});
    EXPECT_EQ(output.status, 0) << output.text;
    return output.text;
  };
  EXPECT_EQ(remove(""), "");
  const std::string asked = remove("/run/systemd/system");
  EXPECT_THAT(asked, HasSubstr("daemon-reload\n"));
  EXPECT_THAT(asked, ContainsRegex("reset-failed .*lifeboat-load.service"));
}

}  // namespace
}  // namespace lifeboat::test
