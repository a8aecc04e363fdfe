// SPDX-License-Identifier: GPL-2.0-or-later
// What the commands of `lifeboat` have in common: options, exit codes, error messages.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"

namespace lifeboat::cli {

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

// An option that is valid only with some subcommands: actions of `reserve`, views of `inspect`.
struct OptionOwners {
  std::string_view option;
  std::vector<std::string_view> subcommands;
};

// What an option takes behind its name.
enum class Takes {
  none,
  text,
  number,
  list,  // text, any number of times
};

// Parses a command's arguments. Every command has --help and --json. Unknown options, missing values, and too
// many positional arguments are `usage` errors.
class CommandLine {
 public:
  // `synopsis` is what follows the command's name: "SOURCE DEST [options]".
  CommandLine(std::string command, std::string synopsis, std::string description);

  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Adds options of the command's own: options()("level,l", Takes::text, "...")("quiet", "...")
  class Options {
   public:
    explicit Options(CommandLine& line) : line_(&line) {}
    Options& operator()(const char* name, Takes takes, const char* help);
    Options& operator()(const char* name, const char* help) { return (*this)(name, Takes::none, help); }

   private:
    CommandLine* line_;
  };
  Options options() { return Options(*this); }
  // Names a positional argument; count -1 takes all the rest. It becomes value NAME.
  void positional(const char* name, int count = 1);

  // False: --help was given, and the help was printed; return kDone.
  Result<bool> parse(const Arguments& arguments);

  [[nodiscard]] bool has(const std::string& name) const;
  [[nodiscard]] bool json() const { return has("json"); }
  [[nodiscard]] std::string get(const std::string& name, const std::string& fallback = {}) const;
  [[nodiscard]] int get(const std::string& name, int fallback) const;
  [[nodiscard]] std::vector<std::string> list(const std::string& name) const;
  // A `usage` error when the positional argument was not given.
  [[nodiscard]] Result<std::string> require(const std::string& name) const;
  // A `usage` error when an option was given that is not valid with `subcommand`: it would be ignored
  // silently.
  [[nodiscard]] Result<> check_owners(std::span<const OptionOwners> owners,
                                      std::string_view subcommand) const;

 private:
  // Boost's objects, used in command.cpp only: their headers cost seconds of compile time in each file.
  struct Parser;
  std::string command_, synopsis_, description_;
  std::unique_ptr<Parser> parser_;
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
