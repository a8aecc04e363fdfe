// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/loader_conf.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/entry_search.h"
#include "loader/loader_variable.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

std::string in_lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// Where systemd-boot is installed: EFI/systemd, and EFI/BOOT for a firmware without an entry for it.
bool has_boot_program(const std::string& root) {
  std::error_code error;
  for (fs::directory_iterator it(root + "/EFI", error), end; !error && it != end; it.increment(error)) {
    const std::string name = in_lower_case(it->path().filename().string());
    std::error_code ignored;
    if ((name == "systemd" || name == "boot") && it->is_directory(ignored)) return true;
  }
  return false;
}

// The last line counts, as systemd-boot reads it. It knows one special name; a line with another is ignored.
std::optional<std::string> default_line(const std::string& file) {
  std::optional<std::string> found;
  for (auto& [key, value] : parse_key_lines(small_boot_file(file))) {
    if (key != "default") continue;
    const bool saved = in_lower_case(value) == "@saved";
    if (value.starts_with('@') && !saved) continue;
    found = saved ? "@saved" : std::move(value);
  }
  return found;
}

}  // namespace

std::vector<std::string> loader_conf_roots(const BootPaths& paths) {
  std::vector<std::string> roots = distinct_boot_roots(paths);
  std::vector<std::string> with_program;
  std::ranges::copy_if(roots, std::back_inserter(with_program), has_boot_program);
  return with_program.empty() ? roots : with_program;
}

std::vector<NamedDefault> default_patterns(const BootPaths& paths) {
  std::vector<NamedDefault> patterns;
  const auto add = [&](std::optional<std::string> pattern, const std::string& source) {
    if (pattern == "@saved") pattern = read_loader_variable(paths.sys, "LoaderEntryLastBooted");
    if (pattern && !pattern->empty() && pattern->size() < 256)
      patterns.push_back({*std::move(pattern), source});
  };
  for (const char* name : {"LoaderEntryOneShot", "LoaderEntryDefault"})
    add(read_loader_variable(paths.sys, name), name);
  for (const auto& root : loader_conf_roots(paths)) {
    const std::string file = root + "/loader/loader.conf";
    add(default_line(file), file);
  }
  return patterns;
}

}  // namespace lifeboat
