// SPDX-License-Identifier: GPL-2.0-or-later
// What the views of `lifeboat inspect` have in common; each is in the file of its name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/cli/command.h"
#include "src/inspect/session.h"
#include "src/inspect/view_text.h"

namespace lifeboat::cli {

// One call of `lifeboat inspect`.
struct View {
  const CommandLine& line;
  std::string path;
  const inspect::Session& session;
  std::vector<std::string> arguments;  // behind the view's name
  std::vector<std::string> missing;    // what is missing from the dump
  inspect::Style style;
  bool terminal = false;  // whether stdout is one

  [[nodiscard]] bool json() const { return line.json(); }
  // A `usage` error when there are fewer than `minimum` arguments, or more than `maximum`.
  [[nodiscard]] Result<> expect_arguments(std::string_view view, size_t minimum, size_t maximum) const;
  // "38.5 MiB": so many pages of the dumped machine.
  [[nodiscard]] std::string format_pages(uint64_t pages) const {
    return inspect::format_pages(pages, session.dump().page_size());
  }
  // Prints the JSON output. An object gets "whole": whether the dump is whole (null: the running kernel).
  void print(nlohmann::ordered_json document) const;
  // Warns about debug information that cannot be used, after the view has tried to use it.
  void warn_of_debug_info() const;
};

Result<int> view_report(const View& view);
Result<int> view_log(const View& view);
Result<int> view_bt(const View& view);
Result<int> view_ps(const View& view);
Result<int> view_mod(const View& view);
Result<int> view_sys(const View& view);
Result<int> view_mem(const View& view);
Result<int> view_sym(const View& view);
Result<int> view_type(const View& view);
Result<int> view_read(const View& view);
Result<int> view_search(const View& view);

// The pages of a dump by their use, as `sys` and `mem` show them.
void print_page_counts(const inspect::Session& session);
void add_page_counts(const inspect::Session& session, nlohmann::ordered_json& document);
// "name        text", the text made safe for a terminal.
void print_row(std::string_view name, std::string_view text);
// "0x1f", "31", or sixteen hex digits, as stacks and oopses print addresses.
std::optional<uint64_t> parse_plain_address(const std::string& text);
// The same, or a symbol of the kernel or a module.
Result<uint64_t> parse_address(const inspect::Session& session, const std::string& text);

}  // namespace lifeboat::cli
