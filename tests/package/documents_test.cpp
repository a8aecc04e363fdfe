// SPDX-License-Identifier: GPL-2.0-or-later
// What the configuration file, the manuals and the completions describe is what the programs do.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "capture/plan/keys.h"
#include "src/config/config.h"
#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

const std::string kSource = LIFEBOAT_SOURCE;

std::string manual(const std::string& page) {
  return text_of(kSource + "/docs/man/" + page + ".scd");
}

// The first group of every match.
std::set<std::string> matches(const std::string& text, const std::string& expression) {
  const std::regex regex(expression, std::regex::multiline);
  std::set<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) found.insert((*at)[1]);
  return found;
}

std::set<std::string> commands() {
  return matches(run_lifeboat({"--help"}).text, "^  ([a-z][a-z-]*) ");
}
std::set<std::string> options(const std::string& command) {
  return matches(run_lifeboat({command, "--help"}).text, "^  (?:-. \\[ )?(--[a-z0-9-]+)");
}

TEST(ConfigurationFile, shows_the_defaults) {
  const TempDir folder = *TempDir::create("conf");
  const std::string shipped = text_of(kSource + "/conf/lifeboat.conf");
  const auto show = [&](const std::string& text) {
    const std::string path = folder.path() / "lifeboat.conf";
    EXPECT_TRUE(write_file_atomically(path, as_byte_span(text), 0644));
    const auto answer = run_lifeboat({"config", "show", "--config", path});
    EXPECT_EQ(answer.status, 0) << answer.text;
    return answer.text;
  };
  const std::string built_in = show("");
  EXPECT_EQ(show(shipped), built_in);
  // With all its settings in force.
  const std::string in_force =
      std::regex_replace(shipped, std::regex("^#(\\[|[a-z_]+ =)", std::regex::multiline), "$1");
  EXPECT_NE(in_force, shipped);
  EXPECT_EQ(show(in_force), built_in);
}

TEST(ConfigurationFile, names_every_key) {
  const std::string shipped = text_of(kSource + "/conf/lifeboat.conf");
  // Those of a [target] besides the path are for targets that are not there by default.
  const std::set<std::string> elsewhere = {"target.device", "target.filesystem"};
  for (const auto& name : config::key_names()) {
    if (elsewhere.contains(name)) continue;
    EXPECT_THAT(shipped, HasSubstr(name.substr(name.find('.') + 1) + " =")) << name;
  }
}

TEST(Manual, of_the_configuration_has_every_key_and_no_other) {
  std::set<std::string> documented;
  std::string section;
  std::istringstream text(manual("lifeboat.conf.5"));
  const std::regex heading("# \\[(.*)\\]"), entry("\\*([a-z_]+)\\*");
  std::smatch found;
  for (std::string line; std::getline(text, line);) {
    if (std::regex_match(line, found, heading)) section = found[1];
    if (line.starts_with("# EXAMPLE")) break;
    if (std::regex_match(line, found, entry)) documented.insert(section + "." + found[1].str());
  }
  const auto names = config::key_names();
  EXPECT_EQ(documented, std::set<std::string>(names.begin(), names.end()));
}

// "Default: _1min_." where there is one.
TEST(Manual, of_the_configuration_has_the_defaults_that_hold) {
  std::map<std::string, std::string> documented;
  std::string section, key;
  std::istringstream text(manual("lifeboat.conf.5"));
  const std::regex heading("# \\[(.*)\\]"), entry("\\*([a-z_]+)\\*"), value("Default: _([^_]+)_");
  std::smatch found;
  for (std::string line; std::getline(text, line);) {
    if (std::regex_match(line, found, heading)) section = found[1];
    if (std::regex_match(line, found, entry)) key = section + "." + found[1].str();
    if (std::regex_search(line, found, value)) documented[key] = found[1];
  }
  std::map<std::string, std::string> in_force = {{"target.path", config::TargetEntry{}.path}};
  for (const auto& known : keys()) {
    if (const auto set = known.default_value(); !set.empty())
      in_force[fmt::format("{}.{}", known.section, known.name)] = set;
  }
  EXPECT_EQ(documented, in_force);
}

// The first column of the table in docs/initramfs.md.
TEST(CapturePlanPage, has_every_key_of_the_plan_and_no_other) {
  // What the host finds out, and is no setting.
  std::set<std::string> in_plan = {"version",          "target", "dump.copy_elf",
                                   "watchdog.running", "module", "shell"};
  for (const auto& key : keys())
    if (key.travels) in_plan.insert(fmt::format("{}.{}", key.section, key.name));
  std::set<std::string> documented;
  bool inside = false;
  std::istringstream text(text_of(kSource + "/docs/initramfs.md"));
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("## ")) inside = line == "## The capture plan";
    if (inside && line.starts_with("| `"))
      documented.merge(matches(line.substr(0, line.find(" | ")), "`([a-z_.]+)`"));
  }
  EXPECT_EQ(documented, in_plan);
}

TEST(Manual, of_the_program_has_every_command) {
  EXPECT_THAT(matches(manual("lifeboat.8"), "^\\*([a-z]+)\\*"), IsSupersetOf(commands()));
}

// Under its heading in OPTIONS.
TEST(Manual, of_the_program_has_every_option_of_every_command_and_no_other) {
  std::map<std::string, std::set<std::string>> documented;
  std::string part, command;
  std::istringstream text(manual("lifeboat.8"));
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# ")) part = line.substr(2);
    if (line.starts_with("## ")) command = line.substr(3);
    if (part == "OPTIONS" && line.starts_with("*-"))
      documented[command].merge(matches(line, "\\*(--[a-z0-9-]+)\\*"));
  }
  const std::set<std::string> common = {"--help", "--json", "--config"};
  EXPECT_EQ(documented["Every command"], common);
  for (const auto& name : commands()) {
    auto own = options(name);
    for (const auto& option : common) own.erase(option);
    EXPECT_EQ(documented[name], own) << name;
  }
}

// The page lists which commands have --config.
TEST(Manual, of_the_program_names_the_commands_with_a_configuration) {
  const std::string page = manual("lifeboat.8");
  const auto begin = page.find("\n*--config* ");
  ASSERT_NE(begin, std::string::npos);
  std::set<std::string> with;
  for (const auto& name : commands()) {
    if (options(name).contains("--config")) with.insert(name);
  }
  EXPECT_EQ(matches(page.substr(begin, page.find("\n\n", begin) - begin), "\\*([a-z]+)\\*"), with);
}

TEST(Manual, of_kexec_has_every_option) {
  const auto documented = matches(manual("kexec.8"), "(--[a-z0-9-]+)");
  const auto known = matches(text_of(kSource + "/docs/kexec-options.md"), "`(--[a-z0-9-]+)");
  EXPECT_GT(known.size(), 30u);
  EXPECT_THAT(documented, IsSupersetOf(known));
}

TEST(Manual, is_well_formed) {
  for (const char* page : {"lifeboat.8", "lifeboat.conf.5", "lifeboat-init.8", "kexec.8"}) {
    // As lintian looks at them.
    const auto output = run({"sh", "-c",
                             fmt::format("LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "
                                         "{}/man/{}.gz 2>&1 >/dev/null",
                                         LIFEBOAT_BUILD, page)});
    EXPECT_EQ(output.status, 0) << page;
    EXPECT_EQ(output.text, "") << page;
  }
}

// What completes the last of the words behind "lifeboat", which are quoted for the shell.
std::set<std::string> offered(const std::string& shell, const std::string& words) {
  const std::string folder = kSource + "/conf/completions";
  const std::string script =
      shell == "bash"
          ? fmt::format(
                "source {}/lifeboat.bash; COMP_WORDS=(lifeboat {}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
                "_lifeboat; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                folder, words)
          // What zsh's completion system would bring.
          : fmt::format(
                "compadd() {{ shift; print -l -- \"$@\" }}; _describe() {{ print -l -- $matches }}; "
                "_files() {{ :; }}; words=(lifeboat {}); CURRENT=$#words; source {}/_lifeboat",
                words, folder);
  const auto output = run({"env", std::string("PATH=") + LIFEBOAT_BIN + ":/usr/sbin:/usr/bin:/sbin:/bin",
                           shell, shell == "zsh" ? "-fc" : "-c", script});
  EXPECT_EQ(output.status, 0) << output.text;
  // A description may follow a name.
  return matches(output.text, "^([^:\\n]+)");
}

class Completion : public ::testing::TestWithParam<const char*> {};

TEST_P(Completion, offers_every_command_and_option) {
  EXPECT_THAT(offered(GetParam(), "''"), IsSupersetOf(commands()));
  for (const auto& command : commands()) {
    const auto found = offered(GetParam(), command + " --");
    EXPECT_THAT(found, IsSupersetOf(options(command))) << command;
    EXPECT_TRUE(found.contains("--json")) << command;
  }
}

TEST_P(Completion, offers_the_values_in_the_help_text) {
  struct Values {
    std::string command, option;
    size_t count;
  };
  for (const auto& [command, option, count] :
       {Values{"load", "--syscall", 3}, Values{"build", "--compress", 6}, Values{"build", "--final", 4},
        Values{"reserve", "--boot-loader", 14}, Values{"rehearse", "--accel", 3},
        Values{"capture", "--format", 1}}) {
    const std::string help = run_lifeboat({command, "--help"}).text;
    const auto begin = help.find("\n  " + option + " ");
    ASSERT_NE(begin, std::string::npos) << option;
    const std::string entry = help.substr(begin, help.find("\n  -", begin + 1) - begin);
    const auto values = offered(GetParam(), fmt::format("{} {} ''", command, option));
    EXPECT_EQ(values.size(), count) << option;
    for (const auto& value : values) EXPECT_THAT(entry, HasSubstr(value));
  }
}

TEST_P(Completion, offers_the_versions_of_kernels) {
  std::set<std::string> versions;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/lib/modules", error))
    versions.insert(entry.path().filename());
  EXPECT_EQ(offered(GetParam(), "build --kernel ''"), versions);
}

INSTANTIATE_TEST_SUITE_P(OfEachShell, Completion, ::testing::Values("bash", "zsh"),
                         [](const auto& shell) { return std::string(shell.param); });

// The tests of installed systems type every block of commands in the document.
TEST(InstallGuide, every_command_is_typed_by_a_test) {
  const std::string guide = text_of(kSource + "/docs/install.md");
  std::string tests;
  for (const auto& file : std::filesystem::directory_iterator(kSource + "/tests/vm/systemd")) {
    if (file.path().extension() == ".cpp") tests += text_of(file.path());
  }
  const auto blocks = matches(guide, "^<!-- commands: ([a-z]+) -->$");
  const auto typed = matches(tests, R"~(\btype\("([a-z]+)"\))~");
  EXPECT_THAT(typed, IsSupersetOf(blocks));
  // None without a name.
  const std::regex fence("^```", std::regex::multiline);
  EXPECT_EQ(std::distance(std::sregex_iterator(guide.begin(), guide.end(), fence), std::sregex_iterator()),
            2 * std::ssize(blocks));
}

}  // namespace
}  // namespace lifeboat::test
