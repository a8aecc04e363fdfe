// SPDX-License-Identifier: GPL-2.0-or-later
#include "arm/initramfs_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <ranges>

#include "base/file.h"
#include "base/size.h"

namespace lifeboat::arm {
namespace {

std::string recipe_path(const std::string& path) {
  return std::filesystem::path(path).replace_extension(".recipe");
}

// The first line in which two fingerprints differ, told as what has changed.
std::string first_difference(std::string_view then, std::string_view now) {
  const auto lines = [](std::string_view text) {
    std::vector<std::string> list;
    for (const auto line : std::views::split(text, '\n')) list.emplace_back(line.begin(), line.end());
    return list;
  };
  const auto before = lines(then), after = lines(now);
  for (size_t index = 0; index < std::max(before.size(), after.size()); ++index) {
    const std::string was = index < before.size() ? before[index] : "";
    const std::string is = index < after.size() ? after[index] : "";
    if (was != is) return fmt::format("'{}' is now '{}'", was, is);
  }
  return {};
}

}  // namespace

std::string initramfs_path(const std::string& release, const std::string& folder) {
  return fmt::format("{}/initramfs-{}.img", folder, release);
}

std::string staleness(const Recipe& recipe, const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || status.st_size == 0) return "there is none";
  const auto then = read_text(recipe_path(path), 1_MiB);
  if (!then) return "nothing says what it was made of";
  const std::string now = fingerprint(recipe) + fmt::format("bytes {}\n", status.st_size);
  return *then == now ? "" : first_difference(*then, now);
}

Result<uint64_t> write_initramfs(const Recipe& recipe, const std::string& path) {
  // Before the files are read: one that changes meanwhile leaves a stale archive, not a wrong one.
  const std::string print = fingerprint(recipe);
  const auto bytes = TRY(carry_out(recipe));
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return fail(ErrorCode::usage, "{} is a folder; the initramfs is a file", path);
  // A crash between the two writes leaves a recipe that tells another size or time: that costs a rebuild, no
  // more.
  TRY_VOID(write_file_atomically(path, bytes, 0600));
  const std::string recipe_text = print + fmt::format("bytes {}\n", bytes.size());
  TRY_VOID(write_file_atomically(recipe_path(path), as_byte_span(recipe_text), 0600));
  return bytes.size();
}

}  // namespace lifeboat::arm
