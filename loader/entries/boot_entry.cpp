// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/boot_entry.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/boot_files.h"
#include "loader/entries/entry_search.h"
#include "loader/entries/grub_boot.h"
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

struct NamedDefault {
  std::string pattern;
  std::string source;
};

// Of systemd-boot, the most important first.
std::vector<NamedDefault> default_patterns(const BootPaths& paths) {
  std::vector<NamedDefault> patterns;
  const auto add = [&](std::optional<std::string> pattern, const std::string& source) {
    if (pattern == "@saved") pattern = loader_variable(paths, "LoaderEntryLastBooted");
    if (pattern && !pattern->empty() && pattern->size() < 256)
      patterns.push_back({*std::move(pattern), source});
  };
  for (const char* name : {"LoaderEntryOneShot", "LoaderEntryDefault"})
    add(loader_variable(paths, name), name);
  for (const auto& root : distinct_boot_roots(paths)) {
    const std::string file = root + "/loader/loader.conf";
    for (const auto& [key, value] : parse_key_lines(small_file(file)))
      if (key == "default") add(value, file);
  }
  return patterns;
}

// Of GRUB's environment blocks, where the entries are not beside them.
std::vector<NamedDefault> saved_entries(const BootPaths& paths) {
  std::vector<NamedDefault> names;
  for (const auto& root : distinct_boot_roots(paths)) {
    const auto variables = grub_environment(root);
    for (const char* name : {"next_entry", "saved_entry"}) {
      if (const auto saved = variables.find(name); saved != variables.end() && !saved->second.empty())
        names.push_back({saved->second, root + "'s grubenv"});
    }
  }
  return names;
}

// Whether GRUB may have started this system: other boot loaders name themselves, GRUB only since 2.12.
bool may_be_grub(const BootPaths& paths) {
  const auto loader = loader_variable(paths, "LoaderInfo");
  return !loader || loader->starts_with("GRUB");
}

// GRUB, and systemd-boot of old, leave the ending out.
bool is_named(const std::string& id, const std::string& pattern) {
  const std::string stem = id.substr(0, id.rfind('.'));
  return ::fnmatch(pattern.c_str(), id.c_str(), FNM_CASEFOLD) == 0 ||
         ::fnmatch(pattern.c_str(), stem.c_str(), FNM_CASEFOLD) == 0;
}

// Why the named default is not taken.
std::string missing_default(const NamedDefault& named, const std::vector<std::string>& skipped) {
  for (const auto& line : skipped) {
    const std::string file = fs::path(line.substr(0, line.find(": "))).filename().string();
    if (is_named(BootFileName::parse(file).id, named.pattern))
      return fmt::format("the default '{}' ({}) is skipped: {}", named.pattern, named.source, line);
  }
  return fmt::format("the default '{}' ({}) is no entry that was found", named.pattern, named.source);
}

struct Found {
  std::vector<BootEntry> entries;
  std::vector<std::string> skipped, skipped_kernels;
};

Found find(const BootPaths& paths, InitramfsNeed need) {
  BootSearch search{
      .need = need, .locate = {}, .entries = {}, .plain = {}, .skipped = {}, .skipped_kernels = {}};
  for (const auto& root : distinct_boot_roots(paths)) {
    search.locate = [files = BootFiles(paths, root)](std::string_view path) { return files.locate(path); };
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

Error no_kernel(const BootPaths& paths, const Found& found) {
  std::string looked;
  for (const auto& root : paths.roots) looked += (looked.empty() ? "" : ", ") + root;
  std::string why;
  for (const auto* lines : {&found.skipped, &found.skipped_kernels})
    for (const auto& line : *lines) why += "\n  " + line;
  return Error(ErrorCode::not_found,
               fmt::format("no kernel to boot was found (loader/entries/*.conf, EFI/Linux/*.efi and "
                           "vmlinuz-VERSION in {}){}",
                           looked, why))
      .hint("name the kernel: lifeboat load KERNEL --initrd FILE --reuse-cmdline");
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
  const bool grub = may_be_grub(paths);
  if (grub) {
    if (const auto configurations = grub::find_configurations(paths); !configurations.empty())
      return grub::default_entry(paths, configurations);
  }
  Found found = find(paths, need);
  std::vector<BootEntry>& entries = found.entries;
  if (entries.empty()) return std::unexpected(no_kernel(paths, found));
  if (skipped != nullptr) *skipped = found.skipped;
  // A default that is named and not taken is always reported.
  std::vector<std::string> notes;
  const auto take = [&](BootEntry entry) {
    entry.notes.insert(entry.notes.begin(), notes.begin(), notes.end());
    return entry;
  };
  const auto first_of = [&](const std::vector<NamedDefault>& names) -> BootEntry* {
    for (const auto& named : names) {
      const auto it =
          std::ranges::find_if(entries, [&](const BootEntry& e) { return is_named(e.id, named.pattern); });
      if (it != entries.end()) return &*it;
      notes.push_back(missing_default(named, found.skipped));
    }
    return nullptr;
  };
  if (BootEntry* entry = first_of(default_patterns(paths))) return take(std::move(*entry));
  if (grub) {
    if (const auto environments = grub::find_environments(paths); !environments.empty())
      return take(TRY(grub::default_entry(paths, environments)));
  }
  if (BootEntry* entry = first_of(saved_entries(paths))) return take(std::move(*entry));
  return take(std::move(entries.front()));
}

}  // namespace lifeboat
