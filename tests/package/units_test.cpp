// SPDX-License-Identifier: GPL-2.0-or-later
// Units and scripts, as systemd sees and runs them.
#include <gtest/gtest.h>

#include <regex>

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
