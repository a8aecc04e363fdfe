// SPDX-License-Identifier: GPL-2.0-or-later
#include <iostream>

#include "base/size.h"
#include "cli/inspect/view.h"
#include "inspect/names.h"

namespace lifeboat::cli {
namespace {

using nlohmann::ordered_json;

ordered_json symbol_json(const Symbol& symbol, uint64_t offset) {
  return {{"name", symbol.name},
          {"address", inspect::format_address(symbol.address)},
          {"offset", offset},
          {"type", std::string(1, symbol.type)},
          {"module", symbol.module.empty() ? ordered_json() : ordered_json(symbol.module)}};
}

void print_symbol(const Symbol& symbol, uint64_t address, std::string_view text) {
  fmt::print("{:#018x} {} {}\n", address, symbol.type, inspect::one_line(text));
}

}  // namespace

Result<int> view_sym(const View& view) {
  TRY_VOID(view.expect_arguments("sym", 1, 1));
  if (!view.session.symbols()) return std::unexpected(view.session.symbols().error());
  const std::string& text = view.arguments.front();
  ordered_json document = ordered_json::array();
  const auto named = inspect::symbols_named(view.session, text);
  for (const auto& symbol : named) {
    if (view.json()) {
      document.push_back(symbol_json(symbol, 0));
    } else {
      print_symbol(symbol, symbol.address,
                   symbol.module.empty() ? symbol.name : fmt::format("{} [{}]", symbol.name, symbol.module));
    }
  }
  if (named.empty()) {
    const uint64_t address = TRY(parse_address(view.session, text));
    const auto found = inspect::symbol_at(view.session, address);
    if (!found) return fail(ErrorCode::not_found, "no symbol is known at {:#x}", address);
    if (view.json()) {
      document.push_back(symbol_json(found->symbol, found->offset));
    } else {
      print_symbol(found->symbol, address, found->to_string());
    }
  }
  if (view.json()) print_json(document);
  return kDone;
}

}  // namespace lifeboat::cli
