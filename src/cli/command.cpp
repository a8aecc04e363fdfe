// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/command.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>

#include "base/text.h"

namespace lifeboat::cli {

CommandLine::CommandLine(std::string command, std::string synopsis, std::string description)
    : command_(std::move(command)),
      synopsis_(std::move(synopsis)),
      description_(std::move(description)),
      options_("Options") {
  options_.add_options()("help,h", "show this help")("json", "machine-readable output on stdout");
}

void CommandLine::positional(const char* name, int count) {
  if (count == 1) {
    hidden_.add_options()(name, po::value<std::string>());
  } else {
    hidden_.add_options()(name, po::value<std::vector<std::string>>());
  }
  positional_.add(name, count);
}

Result<bool> CommandLine::parse(const Arguments& arguments) {
  po::options_description all;
  all.add(options_).add(hidden_);
  try {
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(positional_)
                  // An abbreviation that works today may be ambiguous tomorrow: only whole names.
                  .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
                  .run(),
              values_);
    if (has("help")) {
      std::cout << "usage: lifeboat " << command_ << ' ' << synopsis_ << "\n\n"
                << description_ << "\n\n"
                << options_;
      return false;
    }
    po::notify(values_);
  } catch (const po::error& error) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("{}: {}", command_, error.what()))
                               .hint(fmt::format("see 'lifeboat {} --help'", command_)));
  }
  return true;
}

Result<std::string> CommandLine::require(const std::string& name) const {
  if (has(name)) return get(name);
  return std::unexpected(Error(ErrorCode::usage, fmt::format("{}: {} is missing", command_, name))
                             .hint(fmt::format("usage: lifeboat {} {}", command_, synopsis_)));
}

Result<> CommandLine::check_owners(std::span<const OptionOwners> owners, std::string_view word) const {
  for (const auto& [option, words] : owners) {
    if (!has(std::string(option)) || std::ranges::find(words, word) != words.end()) continue;
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("{} {}: --{} has no meaning here", command_, word, option))
            .hint(fmt::format("it belongs to '{} {}'", command_,
                              fmt::join(words, fmt::format("', '{} ", command_)))));
  }
  return {};
}

void print_json(const nlohmann::ordered_json& document) {
  // A dump's strings need not be UTF-8; the document must be.
  std::cout << terminal_json(document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace)) << '\n';
}

}  // namespace lifeboat::cli
