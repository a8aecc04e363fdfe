// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/search.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "src/base/log.h"
#include "src/base/size.h"
#include "src/cli/inspect/view.h"

namespace lifeboat::cli {
namespace {

constexpr uint64_t kMaxFinds = 1000;
// A machine may have terabytes.
constexpr std::chrono::minutes kLimit(5);

}  // namespace

Result<int> view_search(const View& view) {
  const bool text = view.line.has("string");
  TRY_VOID(view.expect_arguments("search", text ? 0 : 1, text ? 0 : 1));
  uint64_t limit = kMaxFinds;
  if (view.line.has("count")) {
    const auto number = parse_number(view.line.get("count"));
    if (!number || *number == 0) return fail(ErrorCode::usage, "inspect search: --count must be at least 1");
    limit = *number;
  }
  const std::string wanted = view.line.get("string");
  const uint64_t max_bytes = view.session.dump().page_size().bytes();
  if (text && (wanted.empty() || wanted.size() > max_bytes))
    return fail(ErrorCode::usage, "inspect search: the text must have 1 to {} bytes", max_bytes);
  uint64_t value = 0;
  if (!text) value = TRY(parse_address(view.session, view.arguments.front()));

  // Pointers and counters are aligned to their size; text may be anywhere.
  const ByteSpan bytes = text ? as_byte_span(wanted) : object_bytes(value);
  nlohmann::ordered_json finds = nlohmann::ordered_json::array();
  uint64_t count = 0;
  const auto result = inspect::search_memory(view.session.dump(), bytes, text ? 1 : sizeof value, kLimit,
                                             [&](uint64_t address) {
                                               if (view.json()) {
                                                 finds.push_back(inspect::format_address(address));
                                               } else {
                                                 fmt::print("{:#x}\n", address);
                                               }
                                               return ++count < limit;
                                             });
  if (view.json()) {
    view.print({{"finds", std::move(finds)},
                {"pages", result.pages},
                {"unreadable_pages", result.unreadable},
                {"stopped", result.stopped},
                {"timed_out", result.timed_out}});
  }
  if (result.unreadable > 0)
    log::warning("{} pages are lost or damaged and were not searched", result.unreadable);
  if (result.timed_out) log::warning("time limit reached: memory from {:#x} on was not searched", result.end);
  if (result.stopped)
    log::info("stopped after {}; set another limit with --count", inspect::plural(count, "find"));
  return kDone;
}

}  // namespace lifeboat::cli
