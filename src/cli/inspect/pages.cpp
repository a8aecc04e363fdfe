// SPDX-License-Identifier: GPL-2.0-or-later
// The pages of a dump by their use.
#include <nlohmann/json.hpp>

#include "src/cli/inspect/view.h"
#include "src/inspect/page_counts.h"

namespace lifeboat::cli {
namespace {

using nlohmann::ordered_json;

// Reading the mem_map of a large machine takes long.
constexpr std::chrono::minutes kLimit(2);

}  // namespace

void print_page_counts(const inspect::Session& session) {
  const DumpInfo& info = session.dump().info();
  const auto counts = inspect::count_pages(session, kLimit);
  if (!counts) {
    print_row("pages", fmt::format("{} in all, {} stored", info.ram_pages, info.stored_pages));
    print_row("", "by use: " + inspect::unknown_because(counts.error()));
    return;
  }
  // ELF does not distinguish pages that were left out from pages of zeros; a running kernel has all pages.
  const bool knows_excluded = info.format != DumpFormat::elf;
  fmt::print("\n{:<16}{:>14}{:>14}{:>14}\n", "pages", "in all", "stored", "left out");
  const auto row = [knows_excluded](std::string_view name, uint64_t pages, uint64_t stored) {
    fmt::print("  {:<14}{:>14}{:>14}{:>14}\n", name, pages, stored,
               knows_excluded ? std::to_string(pages - std::min(pages, stored)) : "?");
  };
  for (size_t index = 0; index < kPageClasses; ++index) {
    const auto& found = counts->of_class[index];
    if (found.pages > 0) row(page_class_name(static_cast<PageClass>(index)), found.pages, found.stored);
  }
  row("all", info.ram_pages, info.stored_pages);
  for (const auto& note : counts->notes) fmt::print("  note: {}\n", one_line(note));
}

void add_page_counts(const inspect::Session& session, ordered_json& document) {
  const auto counts = inspect::count_pages(session, kLimit);
  if (!counts) {
    document["pages"] = nullptr;
    document["unknown"]["pages"] = counts.error().message;
    return;
  }
  ordered_json pages;
  for (size_t index = 0; index < kPageClasses; ++index) {
    const auto& found = counts->of_class[index];
    const std::string name(page_class_name(static_cast<PageClass>(index)));
    pages[name] = {{"pages", found.pages}, {"stored", found.stored}};
  }
  pages["notes"] = counts->notes;
  document["pages"] = std::move(pages);
}

}  // namespace lifeboat::cli
