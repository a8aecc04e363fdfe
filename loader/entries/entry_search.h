// SPDX-License-Identifier: GPL-2.0-or-later
// What find_boot_entries() gathers while it reads one boot partition after the other, and what the readers of
// each kind of entry share.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/entries/boot_entry.h"
#include "src/image/image.h"

namespace lifeboat {

using BootVariables = std::map<std::string, std::string>;

struct BootCandidate {
  BootEntry entry;
  // What the menu is sorted by.
  std::string sort_key;
  std::string machine_id;
  std::string version;
  std::optional<unsigned> tries_left;
  std::string sort_id;  // instead of `entry.id`: without a profile, of a plain kernel without vmlinuz-
};

// An entry that cannot be used. Of its candidate only what the menu is sorted by, and the id.
struct SkippedEntry {
  BootCandidate candidate;
  std::string line;     // "FILE: reason"
  bool hidden = false;  // no boot loader starts it either, unless it is chosen by hand
};

struct BootSearch {
  InitramfsNeed need = InitramfsNeed::required;
  // Where the file is that an entry of the boot partition that is being read names.
  std::function<std::string(std::string_view path)> locate = {};
  std::vector<BootCandidate> entries = {};
  std::vector<BootCandidate> plain = {};  // kernels without an entry
  std::vector<SkippedEntry> skipped = {};
  std::vector<std::string> skipped_kernels = {};  // "FILE: reason"
};

// All of `paths`. `entries` and `plain` are sorted, best first; a kernel that has an entry is not among
// `plain`.
BootSearch search_boot_entries(const BootPaths& paths, InitramfsNeed need);
// Whether `a` is above `b` in the menu.
bool comes_before(const BootCandidate& a, const BootCandidate& b);

// Files of `folder` whose names end so (in lower case), hidden ones left out, in the order of their names.
std::vector<std::filesystem::path> files_ending_in(const std::filesystem::path& folder,
                                                   std::string_view ending);
bool is_regular_file(const std::string& path);
// The text of a boot loader's file; empty for one that is missing, no file, or larger than such files are.
std::string small_boot_file(const std::string& path);
// The format of the kernel in file `path`; else the error is the reason why it is none.
Result<ImageKind> boot_file_kind(const std::string& path);

// Each adds what it finds to `search`. `file`: ROOT/loader/entries/NAME.conf, ROOT/EFI/Linux/NAME.efi.
void add_type_1_entry(BootSearch& search, const std::string& root, const std::filesystem::path& file,
                      const BootVariables& variables);
void add_type_2_entries(BootSearch& search, const std::string& root, const std::filesystem::path& file);
void add_plain_kernels(BootSearch& search, const std::string& root);

}  // namespace lifeboat
