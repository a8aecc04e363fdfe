// SPDX-License-Identifier: GPL-2.0-or-later
// What the commands of `lifeboat` have in common: options, exit codes, how errors are told.
#pragma once

#include <boost/program_options.hpp>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace lifeboat::cli {

namespace po = boost::program_options;

// The exit codes are a contract (man page): scripts rely on them.
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kNo = 3,  // status: not armed; verify: not whole
};

using Arguments = std::vector<std::string>;

// One command. `run` returns an ExitCode, or an Error: `usage` errors exit 2, all others 1.
struct Command {
  std::string_view name;
  std::string_view summary;  // one line for `lifeboat --help`
  Result<int> (*run)(const Arguments& arguments);
};

// An option that has a meaning with some words of its command only: actions of `reserve`, views of `inspect`.
struct OptionOwners {
  std::string_view option;
  std::vector<std::string_view> words;
};

// Parses a command's arguments. Every command has --help and --json. Unknown options, missing values, and too
// many positional arguments are `usage` errors.
class CommandLine {
 public:
  // `synopsis` is what follows the command's name: "SOURCE DEST [options]".
  CommandLine(std::string command, std::string synopsis, std::string description);

  // Add the command's own: options().add_options()("level", po::value<std::string>(), "...")
  po::options_description& options() { return options_; }
  // Names a positional argument; count -1 takes all the rest. It becomes value NAME.
  void positional(const char* name, int count = 1);

  // False: --help was asked for and printed; return kDone.
  Result<bool> parse(const Arguments& arguments);

  [[nodiscard]] bool has(const std::string& name) const { return values_.count(name) != 0; }
  [[nodiscard]] bool json() const { return has("json"); }
  template <typename T = std::string>
  [[nodiscard]] T get(const std::string& name, const T& fallback = {}) const {
    return has(name) ? values_[name].as<T>() : fallback;
  }
  // A literal is a string: as a const char* it would be looked for as such, and not found.
  [[nodiscard]] std::string get(const std::string& name, const char* fallback) const {
    return get<std::string>(name, fallback);
  }
  // A `usage` error when the positional argument was not given.
  [[nodiscard]] Result<std::string> require(const std::string& name) const;
  // A `usage` error when an option was given that belongs to other words than `word`: it would be ignored,
  // which helps nobody.
  [[nodiscard]] Result<> check_owners(std::span<const OptionOwners> owners, std::string_view word) const;

 private:
  std::string command_, synopsis_, description_;
  po::options_description options_;
  po::options_description hidden_;
  po::positional_options_description positional_;
  po::variables_map values_;
};

// One JSON document and a newline on stdout.
void print_json(const nlohmann::ordered_json& document);

// The commands, each in the file of its name.
Result<int> run_status(const Arguments& arguments);
Result<int> run_check(const Arguments& arguments);
Result<int> run_reserve(const Arguments& arguments);
Result<int> run_build(const Arguments& arguments);
Result<int> run_load(const Arguments& arguments);
Result<int> run_unload(const Arguments& arguments);
Result<int> run_reboot(const Arguments& arguments);
Result<int> run_capture(const Arguments& arguments);
Result<int> run_rehearse(const Arguments& arguments);
Result<int> run_config(const Arguments& arguments);
Result<int> run_list(const Arguments& arguments);
Result<int> run_prune(const Arguments& arguments);
Result<int> run_collect(const Arguments& arguments);
Result<int> run_verify(const Arguments& arguments);
Result<int> run_inspect(const Arguments& arguments);

}  // namespace lifeboat::cli
