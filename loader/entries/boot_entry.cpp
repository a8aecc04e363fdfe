// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/boot_entry.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/boot_files.h"
#include "loader/entries/entry_search.h"
#include "loader/entries/version_order.h"
#include "loader/grubenv.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
BootVariables grub_environment(const std::string& root) {
  for (const char* folder : {"/grub2", "/grub"}) {
    const std::string path = root + folder + "/grubenv";
    if (!is_regular_file(path)) continue;
    BootVariables variables;
    for (auto& [name, value] : grub_variables(small_boot_file(path)))
      variables.insert_or_assign(std::move(name), std::move(value));
    return variables;
  }
  return {};
}

}  // namespace

// A missing field counts as empty text, so that any two entries are ordered.
bool comes_before(const BootCandidate& a, const BootCandidate& b) {
  if (a.sort_key.empty() != b.sort_key.empty()) return b.sort_key.empty();
  if (!a.sort_key.empty()) {
    if (a.sort_key != b.sort_key) return a.sort_key < b.sort_key;
    if (a.machine_id != b.machine_id) return a.machine_id < b.machine_id;
    if (const auto order = compare_versions(a.version, b.version); order != 0) return order > 0;
  }
  const auto id_of = [](const BootCandidate& c) -> const std::string& {
    return c.sort_id.empty() ? c.entry.id : c.sort_id;
  };
  if (const auto order = compare_versions(id_of(a), id_of(b)); order != 0) return order > 0;
  if (a.entry.profile != b.entry.profile) return a.entry.profile < b.entry.profile;
  // The same with counters: an entry without a counter, which has booted before, comes first.
  constexpr unsigned kProven = UINT32_MAX;
  return a.tries_left.value_or(kProven) > b.tries_left.value_or(kProven);
}

std::vector<std::string> distinct_boot_roots(const BootPaths& paths) {
  std::vector<std::string> roots;
  for (const auto& root : paths.roots) {
    std::error_code ignored;
    if (!fs::is_directory(root, ignored)) continue;
    if (std::ranges::none_of(roots,
                             [&](const std::string& seen) { return fs::equivalent(seen, root, ignored); }))
      roots.push_back(root);
  }
  return roots;
}

BootSearch search_boot_entries(const BootPaths& paths, InitramfsNeed need) {
  BootSearch search{.need = need};
  for (const auto& root : distinct_boot_roots(paths)) {
    search.locate = [files = BootFiles(paths, root)](std::string_view path) { return files.locate(path); };
    const auto variables = grub_environment(root);
    for (const auto& file : files_ending_in(root + "/loader/entries", ".conf"))
      add_type_1_entry(search, root, file, variables);
    for (const auto& file : files_ending_in(root + "/EFI/Linux", ".efi"))
      add_type_2_entries(search, root, file);
    add_plain_kernels(search, root);
  }
  std::ranges::stable_sort(search.entries, comes_before);
  std::ranges::stable_sort(search.plain, comes_before);
  std::erase_if(search.plain, [&](const BootCandidate& plain) {
    return std::ranges::any_of(search.entries, [&](const BootCandidate& candidate) {
      return candidate.entry.kernel == plain.entry.kernel;
    });
  });
  return search;
}

std::vector<BootEntry> find_boot_entries(const BootPaths& paths, std::vector<std::string>* skipped,
                                         InitramfsNeed need) {
  BootSearch search = search_boot_entries(paths, need);
  if (skipped != nullptr) {
    for (auto& entry : search.skipped) skipped->push_back(std::move(entry.line));
    std::ranges::move(search.skipped_kernels, std::back_inserter(*skipped));
  }
  std::vector<BootEntry> entries;
  for (auto* candidates : {&search.entries, &search.plain})
    for (auto& candidate : *candidates) entries.push_back(std::move(candidate.entry));
  return entries;
}

}  // namespace lifeboat
