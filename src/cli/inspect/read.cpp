// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "src/base/size.h"
#include "src/cli/inspect/view.h"
#include "src/inspect/missing_page.h"
#include "src/inspect/names.h"
#include "src/inspect/show_value.h"

namespace lifeboat::cli {
namespace {

using inspect::ExpressionScope;
using inspect::Value;
using nlohmann::ordered_json;

constexpr uint64_t kMaxCount = 1 << 20;
constexpr uint64_t kWord = 8;

Result<uint64_t> read_count(const View& view, uint64_t fallback) {
  if (!view.line.has("count")) return fallback;
  const auto number = parse_number(view.line.get("count"));
  if (!number || *number == 0 || *number > kMaxCount)
    return fail(ErrorCode::usage, "inspect read: --count must be from 1 to {}", kMaxCount);
  return *number;
}

// The address of the expression's object in memory, or the number that the expression is.
Result<uint64_t> address_of(const View& view, const std::string& text) {
  if (auto address = parse_address(view.session, text)) return *address;
  const ExpressionScope scope = TRY(inspect::expression_scope(view.session));
  const Value value = TRY(inspect::evaluate(scope, text));
  if (value.in_memory) return value.bits;
  return inspect::to_number(scope, value);
}

inspect::ShowOptions show_options(const View& view) {
  inspect::ShowOptions options;
  options.symbol_at = [&view](uint64_t address) {
    const auto found = inspect::symbol_at(view.session, address);
    return found ? found->to_string() : std::string();
  };
  options.left_out_as = [missing = std::make_shared<inspect::MissingPages>(view.session)](uint64_t address) {
    const auto found = missing->class_at(address);
    return found ? std::string(inspect::page_class_description(*found)) : std::string();
  };
  return options;
}

// Adds what the page was, when the filter left it out.
std::unexpected<Error> explained(const View& view, Error error, uint64_t address, uint64_t size) {
  return std::unexpected(inspect::MissingPages(view.session).explain(std::move(error), address, size));
}

void print(const View& view, const std::string& what, const ordered_json& value, const std::string& text) {
  if (view.json()) {
    view.print({{"expression", what}, {"value", value}});
  } else {
    std::cout << text << '\n';
  }
}

// "0xffffffff81000000  0000000000000000 0000000000000001  ........ ........", two words a line.
Result<int> print_hex(const View& view, const std::string& text) {
  const KernelMemory& memory = *view.session.kernel();
  const uint64_t address = TRY(address_of(view, text));
  const uint64_t count = TRY(read_count(view, 8));
  ordered_json words = ordered_json::array();
  for (uint64_t index = 0; index < count; index += 2) {
    std::string line, letters;
    for (uint64_t word = index; word < std::min(index + 2, count); ++word) {
      const auto read = memory.read<uint64_t>(address + word * kWord);
      if (!read) return explained(view, read.error(), address + word * kWord, kWord);
      const uint64_t value = *read;
      words.push_back(inspect::format_address(value));
      line += fmt::format(" {:016x}", value);
      for (unsigned byte = 0; byte < kWord; ++byte) {
        const char c = static_cast<char>(value >> byte * 8 & 0xff);
        letters += c >= ' ' && c <= '~' ? c : '.';
      }
    }
    if (!view.json()) fmt::print("{:#018x} {:<34}  {}\n", address + index * kWord, line, letters);
  }
  if (view.json()) view.print({{"address", inspect::format_address(address)}, {"words", std::move(words)}});
  return kDone;
}

Result<int> print_string(const View& view, const std::string& text) {
  constexpr uint64_t kMaxLetters = 4_KiB;
  const ExpressionScope scope = TRY(inspect::expression_scope(view.session));
  uint64_t address = TRY(address_of(view, text));
  if (const auto value = inspect::evaluate(scope, text); value && value->in_memory)
    address = TRY(inspect::string_address(scope, *value));
  const uint64_t count = TRY(read_count(view, kMaxLetters));
  const auto found = view.session.kernel()->read_string(address, count);
  if (!found) return explained(view, found.error(), address, count);
  print(view, text, *found, one_line(*found));
  return kDone;
}

// `count` values of the type, one behind the other.
Result<int> print_typed(const View& view, const std::string& text, const std::string& type_name) {
  const ExpressionScope scope = TRY(inspect::expression_scope(view.session));
  const Btf& btf = scope.types.btf();
  const TypeId type = TRY(btf.parse_type_name(type_name));
  const uint64_t size = TRY(btf.size_of(type));
  const uint64_t address = TRY(address_of(view, text));
  const uint64_t count = TRY(read_count(view, 1));
  ordered_json values = ordered_json::array();
  for (uint64_t index = 0; index < count; ++index) {
    const Value value{.type = type, .in_memory = true, .bits = address + index * size};
    const auto result = inspect::show_value(scope, value, show_options(view));
    if (!result) return explained(view, result.error(), value.bits, size);
    const std::string& shown = *result;
    values.push_back(shown);
    if (!view.json()) std::cout << shown << '\n';
  }
  if (view.json()) view.print({{"address", inspect::format_address(address)}, {"values", std::move(values)}});
  return kDone;
}

}  // namespace

Result<int> view_read(const View& view) {
  TRY_VOID(view.expect_arguments("read", 1, 1));
  if (!view.session.kernel()) return std::unexpected(view.session.kernel().error());
  const std::string& text = view.arguments.front();
  const std::string as = view.line.get("as");
  if (as == "hex") return print_hex(view, text);
  if (as == "string") return print_string(view, text);
  if (!as.empty()) return print_typed(view, text, as);
  // A bare number has no type: its bytes.
  if (parse_plain_address(text)) return print_hex(view, text);
  const ExpressionScope scope = TRY(inspect::expression_scope(view.session));
  const auto evaluated = inspect::evaluate(scope, text);
  view.warn_of_debug_info();
  const Value value = TRY(evaluated);
  if (value.in_memory && value.type == 0) return print_hex(view, text);
  const auto shown = inspect::show_value(scope, value, show_options(view));
  if (!shown) return explained(view, shown.error(), value.bits, kWord);
  print(view, text, *shown, *shown);
  return kDone;
}

}  // namespace lifeboat::cli
