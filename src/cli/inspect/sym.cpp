// SPDX-License-Identifier: GPL-2.0-or-later
#include <iostream>
#include <nlohmann/json.hpp>
#include <ranges>

#include "src/base/size.h"
#include "src/cli/inspect/view.h"
#include "src/inspect/names.h"
#include "src/inspect/report_text.h"

namespace lifeboat::cli {
namespace {

using nlohmann::ordered_json;

// The source of `address`, as frames of a stack have it.
inspect::NamedFrame location_of(const View& view, uint64_t address) {
  return inspect::name_address(view.session, address, false);
}

ordered_json symbol_json(const View& view, const Symbol& symbol, uint64_t offset) {
  ordered_json entry = {{"name", symbol.name},
                        {"address", inspect::format_address(symbol.address)},
                        {"offset", offset},
                        {"type", std::string(1, symbol.type)},
                        {"module", symbol.module.empty() ? ordered_json() : ordered_json(symbol.module)}};
  const auto location = location_of(view, symbol.address + offset);
  inspect::add_source_json(location.file, location.line, location.inlined, entry);
  return entry;
}

void print_symbol(const View& view, const Symbol& symbol, uint64_t address, std::string_view text) {
  const auto location = location_of(view, address);
  fmt::print("{:#018x} {} {}{}\n", address, one_line({&symbol.type, 1}), one_line(text),
             inspect::place_text(location.file, location.line, view.style));
  for (const auto& inlined : location.inlined | std::views::reverse)
    fmt::print("  in it {} (inlined){}\n", one_line(inlined.function),
               inspect::place_text(inlined.file, inlined.line, view.style));
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
      document.push_back(symbol_json(view, symbol, 0));
    } else {
      print_symbol(view, symbol, symbol.address,
                   symbol.module.empty() ? symbol.name : fmt::format("{} [{}]", symbol.name, symbol.module));
    }
  }
  if (named.empty()) {
    const uint64_t address = TRY(parse_address(view.session, text));
    const auto found = inspect::symbol_at(view.session, address);
    if (!found) return fail(ErrorCode::not_found, "no symbol is known at {:#x}", address);
    if (view.json()) {
      document.push_back(symbol_json(view, found->symbol, found->offset));
    } else {
      print_symbol(view, found->symbol, address, found->to_string());
    }
  }
  if (view.json()) view.print(document);
  view.warn_of_debug_info();
  return kDone;
}

}  // namespace lifeboat::cli
