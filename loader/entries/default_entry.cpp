// SPDX-License-Identifier: GPL-2.0-or-later
// Which entry is the default: by what the boot loader that started this machine reads.
#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "loader/booted_by.h"
#include "loader/entries/boot_entry.h"
#include "loader/entries/boot_entry_file.h"
#include "loader/entries/entry_search.h"
#include "loader/entries/grub_boot.h"
#include "loader/entries/loader_conf.h"
#include "loader/entries/unread_menus.h"
#include "loader/grubenv.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using Menus = std::vector<UnreadMenu>;

constexpr const char* kNameIt =
    "name the kernel: lifeboat load --boot-name NAME, or lifeboat load KERNEL --initrd FILE --reuse-cmdline";

// Whether GRUB may have started this system. A number in the kernel's header alone may be that of the boot
// loader before a move to GRUB.
bool may_be_grub(const BootedBy& booted, const Menus& menus) {
  if (!booted.family || *booted.family == LoaderFamily::grub) return true;
  return !is_named(booted) && menus.empty();
}

// Of GRUB's environment blocks, where the entries are not beside them.
std::vector<NamedDefault> saved_entries(const BootPaths& paths, std::vector<std::string>& notes) {
  std::vector<NamedDefault> names;
  for (const auto& root : distinct_boot_roots(paths)) {
    for (const char* folder : {"/grub2", "/grub"}) {
      const std::string file = root + folder + "/grubenv";
      if (!is_regular_file(file)) continue;
      const std::string text = small_boot_file(file);
      if (!is_environment_block(text)) {
        notes.push_back(fmt::format("{} is no environment block of GRUB, which ignores it", file));
        break;
      }
      const auto variables = grub_variables(text);
      for (const char* name : {"next_entry", "saved_entry"}) {
        const auto saved = std::ranges::find(variables, name, &GrubVariable::name);
        if (saved != variables.end() && !saved->value.empty())
          names.push_back({saved->value, root + "'s grubenv"});
      }
      break;
    }
  }
  return names;
}

// GRUB, and systemd-boot of old, leave the ending out.
bool matches(const std::string& id, const std::string& pattern) {
  const std::string stem = id.substr(0, id.rfind('.'));
  return ::fnmatch(pattern.c_str(), id.c_str(), FNM_CASEFOLD) == 0 ||
         ::fnmatch(pattern.c_str(), stem.c_str(), FNM_CASEFOLD) == 0;
}

// Why the named default is not taken.
std::string missing_default(const NamedDefault& named, const std::vector<SkippedEntry>& skipped) {
  for (const auto& entry : skipped) {
    if (matches(entry.candidate.entry.id, named.pattern))
      return fmt::format("the default '{}' ({}) is skipped: {}", named.pattern, named.source, entry.line);
  }
  return fmt::format("the default '{}' ({}) is no entry that was found", named.pattern, named.source);
}

std::string reasons(const BootSearch& search) {
  std::string why;
  for (const auto& entry : search.skipped) why += "\n  " + entry.line;
  for (const auto& line : search.skipped_kernels) why += "\n  " + line;
  return why;
}

std::string joined(const std::vector<std::string>& roots) {
  std::string text;
  for (const auto& root : roots) text += (text.empty() ? "" : ", ") + root;
  return text;
}

Error no_kernel(const BootPaths& paths, const BootSearch& search) {
  return Error(ErrorCode::not_found,
               fmt::format("no kernel to boot was found (loader/entries/*.conf, EFI/Linux/*.efi and "
                           "vmlinuz-VERSION in {}){}",
                           joined(paths.roots), reasons(search)))
      .hint("name the kernel: lifeboat load KERNEL --initrd FILE --reuse-cmdline");
}

// An EFI variable names the boot loader, and what it reads is not in sight.
Error not_in_sight(const BootPaths& paths, const BootedBy& booted, const BootSearch& search) {
  return Error(ErrorCode::unsupported,
               fmt::format(
                   "{} shows which boot loader started this machine, and no entry of its menu was found "
                   "in {}{}",
                   booted.evidence, joined(paths.roots), reasons(search)))
      .hint(fmt::format("mount its partition (/efi, /boot or /boot/efi), or {}", kNameIt));
}

// What is to be said of an entry because of the menus that are not read.
void add_doubts(const BootedBy& booted, const Menus& menus, BootEntry& entry) {
  if (entry.plain) {
    const std::string why =
        menus.empty()
            ? "no boot loader's menu was found"
            : fmt::format("no boot loader's menu was read ({} is there and is not read)", describe(menus));
    entry.notes.push_back(
        fmt::format("{}: the newest kernel in {}, which may not be the one that starts", why, entry.source));
  } else if (!menus.empty() && booted.family) {
    entry.notes.push_back(
        fmt::format("{} shows which boot loader started this machine, and its menu is not read ({}): "
                    "another entry may be the one that starts",
                    booted.evidence, describe(menus)));
  } else if (!menus.empty()) {
    entry.notes.push_back(
        fmt::format("{} is there as well and is not read, and nothing shows which boot loader starts "
                    "this machine",
                    describe(menus)));
  } else if (booted.family == LoaderFamily::other) {
    entry.notes.push_back(
        fmt::format("{} shows which boot loader started this machine; how it chooses is not known: "
                    "another entry may be the one that starts",
                    booted.evidence));
  }
}

Result<BootEntry> entry_of_grub(const BootPaths& paths,
                                const std::vector<grub::Configuration>& configurations,
                                const BootedBy& booted, Menus menus) {
  BootEntry entry = TRY(grub::default_entry(paths, configurations));
  // Left from before GRUB 2, or read by it.
  std::erase_if(menus, [](const UnreadMenu& menu) { return menu.family == LoaderFamily::grub; });
  add_doubts(booted, menus, entry);
  return entry;
}

// The firmware started a unified kernel image. Which one is next, its boot order decides.
Result<BootEntry> entry_of_firmware(const BootPaths& paths, const BootedBy& booted, BootSearch& search) {
  // A GRUB that leaves no name may have started it.
  if (const auto configurations = grub::find_configurations(paths); !configurations.empty()) {
    auto entry = grub::default_entry(paths, configurations);
    if (entry && entry->unified) return entry;
  }
  std::erase_if(search.entries, [](const BootCandidate& candidate) {
    return !candidate.entry.unified || candidate.entry.source != candidate.entry.kernel ||
           candidate.entry.profile != 0;
  });
  if (search.entries.empty()) return std::unexpected(not_in_sight(paths, booted, search));
  BootEntry entry = std::move(search.entries.front().entry);
  if (search.entries.size() > 1) {
    entry.notes.push_back(fmt::format(
        "{}: the firmware started a unified kernel image, and its boot order decides which is next; there "
        "are {} of them",
        booted.evidence, search.entries.size()));
  }
  return entry;
}

// Skipped entries that would have been taken before `chosen`, of those that `pattern` names.
std::vector<std::string> skipped_before(const BootSearch& search, const BootCandidate& chosen,
                                        const std::string& pattern) {
  std::vector<std::string> lines;
  for (const auto& skipped : search.skipped) {
    if (skipped.hidden || !matches(skipped.candidate.entry.id, pattern)) continue;
    if (chosen.entry.plain || comes_before(skipped.candidate, chosen)) lines.push_back(skipped.line);
  }
  return lines;
}

// The entry that the first of these names; what is named and not there is a note.
std::optional<BootEntry> first_of(const std::vector<NamedDefault>& names, const BootSearch& search,
                                  std::vector<std::string>& notes) {
  for (const auto& named : names) {
    for (const auto* candidates : {&search.entries, &search.plain}) {
      const auto it = std::ranges::find_if(
          *candidates, [&](const BootCandidate& each) { return matches(each.entry.id, named.pattern); });
      if (it == candidates->end()) continue;
      BootEntry entry = it->entry;
      // By its name, and not because it is the newest.
      entry.plain = false;
      entry.skipped_before = skipped_before(search, *it, named.pattern);
      return entry;
    }
    notes.push_back(missing_default(named, search.skipped));
  }
  return std::nullopt;
}

// Where a settings file of systemd-boot may be that is not seen.
void add_hidden_settings(const BootPaths& paths, const BootedBy& booted, std::vector<std::string>& notes) {
  if (booted.family != LoaderFamily::systemd_boot) return;
  for (const auto& root : distinct_boot_roots(paths)) {
    std::error_code ignored;
    if (is_regular_file(root + "/loader/loader.conf") || fs::is_directory(root + "/EFI", ignored)) return;
  }
  notes.push_back(
      fmt::format("{}: its partition is not mounted, and the default that its loader.conf names is not known",
                  booted.evidence));
}

Result<BootEntry> entry_of_menu(const BootPaths& paths, const BootedBy& booted, bool grub,
                                const BootSearch& search, std::vector<std::string>& notes) {
  if (auto entry = first_of(default_patterns(paths), search, notes)) return *std::move(entry);
  if (grub) {
    if (const auto environments = grub::find_environments(paths); !environments.empty())
      return grub::default_entry(paths, environments);
    if (auto entry = first_of(saved_entries(paths, notes), search, notes)) return *std::move(entry);
  }
  add_hidden_settings(paths, booted, notes);
  const BootCandidate& first = search.entries.empty() ? search.plain.front() : search.entries.front();
  BootEntry entry = first.entry;
  entry.skipped_before = skipped_before(search, first, "*");
  return entry;
}

}  // namespace

Result<BootEntry> default_boot_entry(const BootPaths& paths, std::vector<std::string>* skipped,
                                     InitramfsNeed need) {
  const BootedBy booted = read_booted_by(paths.sys, paths.proc);
  const Menus menus = find_unread_menus(paths, booted);
  const bool grub = may_be_grub(booted, menus);
  if (grub) {
    if (const auto configurations = grub::find_configurations(paths); !configurations.empty())
      return entry_of_grub(paths, configurations, booted, menus);
  }
  BootSearch search = search_boot_entries(paths, need);
  if (skipped != nullptr) {
    for (const auto& entry : search.skipped) skipped->push_back(entry.line);
  }
  if (booted.family == LoaderFamily::firmware) return entry_of_firmware(paths, booted, search);
  if (search.entries.empty() && menus.empty() && is_named(booted))
    return std::unexpected(not_in_sight(paths, booted, search));
  if (search.entries.empty() && search.plain.empty()) return std::unexpected(no_kernel(paths, search));
  std::vector<std::string> notes;
  BootEntry entry = TRY(entry_of_menu(paths, booted, grub, search, notes));
  entry.notes.insert(entry.notes.begin(), notes.begin(), notes.end());
  add_doubts(booted, menus, entry);
  return entry;
}

}  // namespace lifeboat
