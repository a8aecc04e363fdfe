// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/debuginfo/debug_places.h"

#include <algorithm>

#include "src/debuginfo/debug_file.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

// Debian has four thousand modules; limits the walk of a huge folder tree.
constexpr size_t kMaxEntries = 200'000;

bool is_file(const fs::path& path) {
  std::error_code none;
  return fs::is_regular_file(path, none);
}

std::string plain_module_name(std::string_view name) {
  std::string plain(name);
  std::ranges::replace(plain, '-', '_');
  return plain;
}

}  // namespace

DebugPlaces::DebugPlaces(fs::path debug, fs::path system, std::string_view release)
    : debug_(std::move(debug)), system_(std::move(system)) {
  if (release != "." && release != ".." && release.find('/') == std::string_view::npos) release_ = release;
}

// gdb's convention, which rpm and dpkg follow: the first byte is a folder.
std::optional<std::string> DebugPlaces::by_build_id(ByteSpan build_id) const {
  if (build_id.size() < 2) return std::nullopt;
  const fs::path path = debug_ / ".build-id" / format_build_id(build_id.first(1)) /
                        (format_build_id(build_id.subspan(1)) + ".debug");
  return is_file(path) ? std::optional(path.string()) : std::nullopt;
}

std::vector<std::string> DebugPlaces::of_kernel(ByteSpan build_id) const {
  std::vector<std::string> found;
  if (auto file = by_build_id(build_id)) found.push_back(*std::move(file));
  if (release_.empty()) return found;
  for (const fs::path& path : {
           debug_ / "boot" / ("vmlinux-" + release_),               // Debian, Ubuntu
           debug_ / "lib/modules" / release_ / "vmlinux",           // Fedora
           debug_ / "usr/lib/modules" / release_ / "vmlinux",       // Debian since /lib is /usr/lib
           debug_ / "usr/lib/modules" / release_ / "vmlinux.debug"  // SUSE
           ,
           system_ / "lib/modules" / release_ / "build/vmlinux",  // a kernel built on this machine
           system_ / "lib/modules" / release_ / "vmlinux",
           system_ / "boot" / ("vmlinux-" + release_),
       }) {
    if (is_file(path)) found.push_back(path.string());
  }
  return found;
}

void DebugPlaces::find_modules() const {
  modules_.emplace();
  if (release_.empty()) return;
  for (const fs::path& root : {debug_ / "lib/modules", debug_ / "usr/lib/modules", system_ / "lib/modules"}) {
    std::error_code error;
    // Links are not followed: `build` leads to whole source trees.
    fs::recursive_directory_iterator entry(root / release_, fs::directory_options::skip_permission_denied,
                                           error);
    size_t entries = 0;
    for (; !error && entry != fs::recursive_directory_iterator() && ++entries < kMaxEntries;
         entry.increment(error)) {
      const std::string file = entry->path().filename().string();
      const size_t end = file.ends_with(".ko.debug") ? file.size() - 9
                         : file.ends_with(".ko")     ? file.size() - 3
                                                     : 0;
      if (end != 0) modules_->emplace(plain_module_name(file.substr(0, end)), entry->path().string());
    }
  }
}

std::vector<std::string> DebugPlaces::of_module(std::string_view name, ByteSpan build_id) const {
  std::vector<std::string> found;
  if (auto file = by_build_id(build_id)) found.push_back(*std::move(file));
  if (!modules_) find_modules();
  const auto [first, last] = modules_->equal_range(plain_module_name(name));
  for (auto place = first; place != last; ++place) {
    if (is_file(place->second)) found.push_back(place->second);
  }
  return found;
}

}  // namespace lifeboat
