// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/boot_entry.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/entry_search.h"
#include "loader/entries/version_order.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
// The vendor of systemd-boot's EFI variables (the Boot Loader Interface).
constexpr std::string_view kLoaderVendor = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

std::string small_file(const std::string& path) {
  auto text = is_regular_file(path) ? read_text(path, kLargestBootEntryFile) : Result<std::string>("");
  return text.value_or("");
}

BootVariables grub_environment(const std::string& root) {
  for (const char* folder : {"/grub2", "/grub"}) {
    const std::string path = root + folder + "/grubenv";
    if (is_regular_file(path)) return parse_assignments(small_file(path));
  }
  return {};
}

// Where the file is that an entry of `root` names. Where /boot is a folder of the root file system, GRUB's
// entries say
// "/boot/vmlinuz": relative to that.
std::string locate(const std::string& root, const std::string& path) {
  std::string direct = path_below(root, path);
  const std::string prefix = "/" + fs::path(root).filename().string() + "/";
  if (is_regular_file(direct) || !path.starts_with(prefix)) return direct;
  return path_below(root, path.substr(prefix.size()));
}

// Whether `a` comes before `b`. A missing field counts as empty text, so that any two entries are ordered.
bool before(const BootCandidate& a, const BootCandidate& b) {
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

// UTF-16 with a NUL behind it, behind four bytes of attributes (efivarfs). Names of entries are ASCII.
std::optional<std::string> loader_variable(const BootPaths& paths, std::string_view name) {
  const auto bytes =
      read_file(fmt::format("{}/firmware/efi/efivars/{}-{}", paths.sys, name, kLoaderVendor), 4_KiB);
  if (!bytes) return std::nullopt;
  std::string text;
  for (size_t at = 4; at + 1 < bytes->size(); at += 2) {
    const auto low = std::to_integer<unsigned char>((*bytes)[at]);
    if ((*bytes)[at + 1] != std::byte{0} || low > 0x7e) return std::nullopt;
    if (low == 0) break;
    text += static_cast<char>(low);
  }
  if (text.empty()) return std::nullopt;
  return text;
}

// The sources of the default, the most important first.
std::vector<std::string> default_patterns(const BootPaths& paths) {
  std::vector<std::string> patterns;
  const auto add = [&](std::optional<std::string> pattern) {
    if (pattern == "@saved") pattern = loader_variable(paths, "LoaderEntryLastBooted");
    if (pattern && !pattern->empty() && pattern->size() < 256) patterns.push_back(*std::move(pattern));
  };
  add(loader_variable(paths, "LoaderEntryOneShot"));
  add(loader_variable(paths, "LoaderEntryDefault"));
  for (const auto& root : distinct_boot_roots(paths)) {
    for (const auto& [key, value] : parse_key_lines(small_file(root + "/loader/loader.conf")))
      if (key == "default") add(value);
  }
  for (const auto& root : distinct_boot_roots(paths)) {
    const auto variables = grub_environment(root);
    if (const auto saved = variables.find("saved_entry"); saved != variables.end()) add(saved->second);
  }
  return patterns;
}

// GRUB, and systemd-boot of old, leave the ending out.
bool is_named(const BootEntry& entry, const std::string& pattern) {
  const std::string stem = entry.id.substr(0, entry.id.rfind('.'));
  return ::fnmatch(pattern.c_str(), entry.id.c_str(), FNM_CASEFOLD) == 0 ||
         ::fnmatch(pattern.c_str(), stem.c_str(), FNM_CASEFOLD) == 0;
}

struct Found {
  std::vector<BootEntry> entries;
  std::vector<std::string> skipped, skipped_kernels;
};

Found find(const BootPaths& paths, InitramfsNeed need) {
  BootSearch search{
      .need = need, .locate = locate, .entries = {}, .plain = {}, .skipped = {}, .skipped_kernels = {}};
  for (const auto& root : distinct_boot_roots(paths)) {
    const auto variables = grub_environment(root);
    for (const auto& file : files_ending_in(root + "/loader/entries", ".conf"))
      add_type_1_entry(search, root, file, variables);
    for (const auto& file : files_ending_in(root + "/EFI/Linux", ".efi"))
      add_type_2_entries(search, root, file);
    add_plain_kernels(search, root);
  }
  std::ranges::stable_sort(search.entries, before);
  std::ranges::stable_sort(search.plain, before);
  Found found{.entries = {},
              .skipped = std::move(search.skipped),
              .skipped_kernels = std::move(search.skipped_kernels)};
  for (auto& candidate : search.entries) found.entries.push_back(std::move(candidate.entry));
  for (auto& candidate : search.plain) {
    const auto has_entry = std::ranges::find(found.entries, candidate.entry.kernel, &BootEntry::kernel);
    if (has_entry == found.entries.end()) found.entries.push_back(std::move(candidate.entry));
  }
  return found;
}

}  // namespace

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

std::vector<BootEntry> find_boot_entries(const BootPaths& paths, std::vector<std::string>* skipped,
                                         InitramfsNeed need) {
  Found found = find(paths, need);
  if (skipped != nullptr) {
    std::ranges::move(found.skipped, std::back_inserter(*skipped));
    std::ranges::move(found.skipped_kernels, std::back_inserter(*skipped));
  }
  return std::move(found.entries);
}

Result<BootEntry> default_boot_entry(const BootPaths& paths, std::vector<std::string>* skipped,
                                     InitramfsNeed need) {
  Found found = find(paths, need);
  std::vector<BootEntry>& entries = found.entries;
  if (entries.empty()) {
    std::string looked;
    for (const auto& root : paths.roots) looked += (looked.empty() ? "" : ", ") + root;
    std::string why;
    for (const auto& line : found.skipped) why += "\n  " + line;
    for (const auto& line : found.skipped_kernels) why += "\n  " + line;
    return std::unexpected(
        Error(
            ErrorCode::not_found,
            fmt::format(
                "no kernel to boot was found (loader/entries/*.conf, EFI/Linux/*.efi and vmlinuz-VERSION in "
                "{}){}",
                looked, why))
            .hint("name the kernel: lifeboat load KERNEL --initrd FILE --reuse-cmdline"));
  }
  if (skipped != nullptr) *skipped = std::move(found.skipped);
  for (const auto& pattern : default_patterns(paths)) {
    const auto named =
        std::ranges::find_if(entries, [&](const BootEntry& e) { return is_named(e, pattern); });
    if (named != entries.end()) return std::move(*named);
  }
  return std::move(entries.front());
}

}  // namespace lifeboat
