// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/uki_companions.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <initializer_list>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/entry_search.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

// systemd-stub leaves out names that are not ASCII.
bool is_ascii(const std::string& name) {
  return std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f; });
}

void add_folder(std::vector<UkiCompanion>& found, const fs::path& folder, bool global,
                std::initializer_list<CompanionKind> wanted) {
  for (const auto& file : files_ending_in(folder, "")) {
    const std::string name = file.filename().string();
    const auto kind = companion_kind(name);
    if (kind && is_ascii(name) && std::ranges::find(wanted, *kind) != wanted.end())
      found.push_back({.kind = *kind, .global = global, .path = file.string()});
  }
}

}  // namespace

std::optional<CompanionKind> companion_kind(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower.ends_with(".addon.efi")) return CompanionKind::addon;
  if (lower.ends_with(".cred")) return CompanionKind::credential;
  if (lower.ends_with(".confext.raw")) return CompanionKind::confext;
  if (lower.ends_with(".raw")) return CompanionKind::sysext;
  return std::nullopt;
}

std::vector<UkiCompanion> find_uki_companions(const std::string& image, const std::string& root) {
  using enum CompanionKind;
  std::vector<UkiCompanion> found;
  if (!root.empty()) {
    add_folder(found, root + "/loader/addons", true, {addon});
    add_folder(found, root + "/loader/credentials", true, {credential});
    add_folder(found, root + "/loader/extensions", true, {sysext, confext});
  }
  const fs::path path = image;
  const std::string name = path.filename().string();
  const std::string id = BootFileName::parse(name).id;
  const auto all = {addon, credential, sysext, confext};
  add_folder(found, path.parent_path() / (id + ".extra.d"), false, all);
  if (name != id) add_folder(found, path.parent_path() / (name + ".extra.d"), false, all);
  return found;
}

}  // namespace lifeboat
