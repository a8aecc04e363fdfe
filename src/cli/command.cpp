// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/command.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "src/base/text.h"

namespace lifeboat::cli {

namespace po = boost::program_options;

struct CommandLine::Parser {
  po::options_description options{"Options"};
  po::options_description hidden;
  po::positional_options_description positional;
  po::variables_map values;
};

CommandLine::CommandLine(std::string command, std::string synopsis, std::string description)
    : command_(std::move(command)),
      synopsis_(std::move(synopsis)),
      description_(std::move(description)),
      parser_(std::make_unique<Parser>()) {
  options()("help,h", "show this help")("json", "machine-readable output on stdout");
}

CommandLine::~CommandLine() = default;

CommandLine::Options& CommandLine::Options::operator()(const char* name, Takes takes, const char* help) {
  auto add = line_->parser_->options.add_options();
  switch (takes) {
    case Takes::none:
      add(name, help);
      break;
    case Takes::text:
      add(name, po::value<std::string>(), help);
      break;
    case Takes::number:
      add(name, po::value<int>(), help);
      break;
    case Takes::list:
      add(name, po::value<std::vector<std::string>>(), help);
      break;
  }
  return *this;
}

void CommandLine::positional(const char* name, int count) {
  if (count == 1) {
    parser_->hidden.add_options()(name, po::value<std::string>());
  } else {
    parser_->hidden.add_options()(name, po::value<std::vector<std::string>>());
  }
  parser_->positional.add(name, count);
}

Result<bool> CommandLine::parse(const Arguments& arguments) {
  po::options_description all;
  all.add(parser_->options).add(parser_->hidden);
  try {
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(parser_->positional)
                  // Only whole names: a new option could make an abbreviation ambiguous.
                  .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
                  .run(),
              parser_->values);
    if (has("help")) {
      std::cout << "usage: lifeboat " << command_ << ' ' << synopsis_ << "\n\n"
                << description_ << "\n\n"
                << parser_->options;
      return false;
    }
    po::notify(parser_->values);
  } catch (const po::error& error) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("{}: {}", command_, error.what()))
                               .hint(fmt::format("see 'lifeboat {} --help'", command_)));
  }
  return true;
}

bool CommandLine::has(const std::string& name) const {
  return parser_->values.count(name) != 0;
}

std::string CommandLine::get(const std::string& name, const std::string& fallback) const {
  return has(name) ? parser_->values[name].as<std::string>() : fallback;
}

int CommandLine::get(const std::string& name, int fallback) const {
  return has(name) ? parser_->values[name].as<int>() : fallback;
}

std::vector<std::string> CommandLine::list(const std::string& name) const {
  return has(name) ? parser_->values[name].as<std::vector<std::string>>() : std::vector<std::string>{};
}

Result<std::string> CommandLine::require(const std::string& name) const {
  if (has(name)) return get(name);
  return std::unexpected(Error(ErrorCode::usage, fmt::format("{}: {} is missing", command_, name))
                             .hint(fmt::format("use: lifeboat {} {}", command_, synopsis_)));
}

Result<> CommandLine::check_owners(std::span<const OptionOwners> owners, std::string_view subcommand) const {
  for (const auto& [option, subcommands] : owners) {
    if (!has(std::string(option)) || std::ranges::find(subcommands, subcommand) != subcommands.end())
      continue;
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("{} {}: --{} has no effect here", command_, subcommand, option))
            .hint(fmt::format("use it with '{} {}'", command_,
                              fmt::join(subcommands, fmt::format("', '{} ", command_)))));
  }
  return {};
}

void print_json(const nlohmann::ordered_json& document) {
  // Strings in a dump may not be valid UTF-8; the document must be.
  std::cout << terminal_json(document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace)) << '\n';
}

}  // namespace lifeboat::cli
