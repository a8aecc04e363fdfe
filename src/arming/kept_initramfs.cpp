// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/kept_initramfs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <ranges>

#include "src/base/file.h"
#include "src/base/folders.h"
#include "src/base/size.h"

namespace lifeboat::arming {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const auto line : std::views::split(text, '\n')) lines.emplace_back(line.begin(), line.end());
  return lines;
}

std::string recipe_path(const std::string& path) {
  return std::filesystem::path(path).replace_extension(".recipe");
}

bool has_line(const std::vector<std::string>& lines, const std::string& line) {
  return std::ranges::find(lines, line) != lines.end();
}

// The subject of a line: "module /lib/x.ko" of "module /lib/x.ko SIZE TIME", "bytes" of "bytes 5".
std::string_view subject_of(std::string_view line) {
  const auto first = line.find(' '), second = line.find(' ', first + 1);
  return line.substr(0, second == line.npos ? first : second);
}

// Describes the first line that only one of the fingerprints has.
std::string first_difference(std::string_view then, std::string_view now) {
  const auto before = lines_of(then), after = lines_of(now);
  const auto gone = std::ranges::find_if(before, [&](const auto& line) { return !has_line(after, line); });
  const auto added = std::ranges::find_if(after, [&](const auto& line) { return !has_line(before, line); });
  if (gone == before.end() && added == after.end()) return "its contents are in another order";
  if (gone == before.end()) return fmt::format("'{}' is new", *added);
  if (added == after.end()) return fmt::format("'{}' is gone", *gone);
  const auto successor = std::ranges::find_if(after, [&](const auto& line) {
    return !has_line(before, line) && subject_of(line) == subject_of(*gone);
  });
  if (successor == after.end()) return fmt::format("'{}' is gone, '{}' is new", *gone, *added);
  return fmt::format("'{}' is now '{}'", *gone, *successor);
}

std::string size_line(uint64_t bytes) {
  return fmt::format("bytes {}\n", bytes);
}

// Whether the file of a line "module /lib/modules/.../x.ko SIZE TIME" is unchanged.
bool module_line_holds(const std::string& line) {
  constexpr std::string_view kKey = "module ";
  const auto end = line.find(".ko");
  return line.starts_with(kKey) && end != line.npos &&
         line.substr(kKey.size()) == file_stamp(line.substr(kKey.size(), line.find(' ', end) - kKey.size()));
}

// The recipe to rebuild the file from; nullopt: the file is kept.
Result<std::optional<Recipe>> recipe_if_stale(const config::Config& config, const RecipeRequest& request,
                                              const std::string& path, std::vector<std::string>& notes,
                                              std::string& reason) {
  Recipe recipe = TRY_CONTEXT(make_recipe(config, request), "the capture initramfs");
  for (const auto& warning : recipe.warnings) notes.push_back(warning.error.to_string());
  reason = staleness(recipe, path);
  if (reason.empty()) return std::nullopt;
  if (has_more(recipe, path)) {
    notes.push_back(
        fmt::format("{} is not rebuilt: it contains targets or watchdogs that are missing now", path));
    return std::nullopt;
  }
  return recipe;
}

Result<> make_if_stale(const config::Config& config, const RecipeRequest& request, const std::string& path,
                       std::vector<std::string>& notes) {
  std::string reason;
  const auto recipe = TRY(recipe_if_stale(config, request, path, notes, reason));
  if (!recipe) return {};
  TRY_VOID(make_folder_of(path));
  TRY_VOID(write_initramfs(*recipe, path));
  notes.push_back(fmt::format("{} was built: {}", path, reason));
  return {};
}

constexpr uint64_t kMaxBytes = 1_GiB;

Result<std::vector<std::byte>> read_or_make(const config::Config& config, const RecipeRequest& request,
                                            const std::string& path, std::vector<std::string>& notes) {
  std::string reason;
  const auto recipe = TRY(recipe_if_stale(config, request, path, notes, reason));
  if (!recipe) return read_file(path, kMaxBytes);
  notes.push_back(fmt::format("{} would be rebuilt: {}", path, reason));
  return carry_out(*recipe);
}

// A failed build is only noted when an older initramfs exists; not if no target can be reached from a capture
// kernel: the older one is for a target of before, or would not reach it either.
bool older_does(const Error& error, const std::string& path, std::vector<std::string>& notes) {
  if (error.code == ErrorCode::unsupported || ::access(path.c_str(), R_OK) != 0) return false;
  notes.push_back(fmt::format("cannot rebuild the initramfs, an older one is loaded: {}", error.to_string()));
  return true;
}

}  // namespace

Result<> refresh_initramfs(const config::Config& config, const RecipeRequest& request,
                           const std::string& path, std::vector<std::string>& notes) {
  auto made = make_if_stale(config, request, path, notes);
  if (made || older_does(made.error(), path, notes)) return {};
  return made;
}

Result<std::vector<std::byte>> preview_initramfs(const config::Config& config, const RecipeRequest& request,
                                                 const std::string& path, std::vector<std::string>& notes) {
  auto bytes = read_or_make(config, request, path, notes);
  if (!bytes && older_does(bytes.error(), path, notes)) return read_file(path, kMaxBytes);
  return bytes;
}

std::string initramfs_path(const std::string& release, const std::string& folder) {
  return fmt::format("{}/initramfs-{}.img", folder, release);
}

std::string staleness(const Recipe& recipe, const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || status.st_size == 0) return "there is none";
  const auto then = read_text(recipe_path(path), 1_MiB);
  if (!then) return "its recipe file is missing";
  const std::string now = fingerprint(recipe) + size_line(static_cast<uint64_t>(status.st_size));
  return *then == now ? "" : first_difference(*then, now);
}

bool has_more(const Recipe& recipe, const std::string& path) {
  struct stat status{};
  const auto then = read_text(recipe_path(path), 1_MiB);
  if (!then || ::stat(path.c_str(), &status) != 0 || status.st_size == 0) return false;
  const auto before = lines_of(*then);
  const auto now = lines_of(fingerprint(recipe) + size_line(static_cast<uint64_t>(status.st_size)));
  const bool away = recipe.targets.size() < recipe.asked.size();
  bool more = false;
  for (const auto& line : before) {
    if (has_line(now, line)) continue;
    if ((away && line.starts_with("target = ")) || line.starts_with("watchdog.running = ")) {
      more = true;
    } else if (!module_line_holds(line)) {
      return false;
    }
  }
  return more && std::ranges::all_of(now, [&](const auto& line) { return has_line(before, line); });
}

bool is_fresh(const Recipe& recipe, const std::string& path) {
  return staleness(recipe, path).empty() || has_more(recipe, path);
}

Result<uint64_t> write_initramfs(const Recipe& recipe, const std::string& path) {
  // Taken before the files are read: if one changes meanwhile, the archive is stale and will be rebuilt.
  const std::string print = fingerprint(recipe);
  const auto bytes = TRY(carry_out(recipe));
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return fail(ErrorCode::usage, "{} is a folder; the initramfs is a file", path);
  // A crash between the two writes leaves a recipe with another size or time: it only causes a rebuild.
  TRY_VOID(write_file_atomically(path, bytes, 0600));
  const std::string recipe_text = print + size_line(bytes.size());
  TRY_VOID(write_file_atomically(recipe_path(path), as_byte_span(recipe_text), 0600));
  return bytes.size();
}

}  // namespace lifeboat::arming
