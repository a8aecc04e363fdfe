// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/kernel_config.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "src/base/file.h"
#include "src/image/gunzip.h"

namespace lifeboat {
namespace {

// Distributions' are below 400 KiB.
constexpr uint64_t kLargestConfig = 8 << 20;

bool is_config_name(std::string_view name) {
  return name.starts_with("CONFIG_") && name.size() > 7 && std::ranges::all_of(name, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

// As scripts/kconfig/confdata.c writes it: in quotes, with a backslash before '"' and '\'.
std::optional<std::string> unquoted(std::string_view text) {
  if (!text.starts_with('"')) return std::string(text);
  std::string plain;
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1 == text.size() ? std::optional(plain) : std::nullopt;
    if (text[at] == '\\') ++at;
    if (at < text.size()) plain += text[at];
  }
  return std::nullopt;
}

// "# CONFIG_X is not set", or any other comment.
bool is_unset_line(std::string_view line) {
  constexpr std::string_view kBefore = "# ", kAfter = " is not set";
  if (!line.starts_with(kBefore) || !line.ends_with(kAfter)) return false;
  if (line.size() <= kBefore.size() + kAfter.size()) return false;
  return is_config_name(line.substr(kBefore.size(), line.size() - kBefore.size() - kAfter.size()));
}

Result<std::string> read_config_text(const std::string& path) {
  const auto bytes = TRY(read_file(path, kLargestConfig));
  if (!path.ends_with(".gz")) return std::string(as_text(bytes));
  const auto text = TRY_CONTEXT(gunzip(bytes, kLargestConfig), "{}", path);
  return std::string(as_text(text));
}

// "DIR/vmlinuz-6.12" -> "DIR"; the kernel in the present folder -> ".".
std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::vector<std::string> places(const std::string& kernel_path, const std::string& release,
                                const std::string& modules_dir, const std::string& root) {
  std::vector<std::string> list;
  if (!kernel_path.empty()) {
    list.push_back(folder_of(kernel_path) + "/config-" + release);
    // A link (/vmlinuz, say) points to where kernel and configuration lie together.
    std::error_code error;
    const auto real = std::filesystem::canonical(kernel_path, error);
    const std::string beside = folder_of(real.string()) + "/config-" + release;
    if (!error && beside != list.front()) list.push_back(beside);
  }
  if (const auto boot = root + "/boot/config-" + release; std::ranges::find(list, boot) == list.end())
    list.push_back(boot);
  if (!modules_dir.empty()) list.push_back(modules_dir + "/config");
  if (read_line(root + "/proc/sys/kernel/osrelease") == release) list.push_back(root + "/proc/config.gz");
  return list;
}

}  // namespace

Result<KernelConfig> KernelConfig::parse(std::string_view text) {
  KernelConfig config;
  bool any = false;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    any = any || is_unset_line(line);
    if (line.empty() || line.starts_with('#')) continue;

    const size_t equals = line.find('=');
    const std::string_view name = line.substr(0, equals);
    if (equals == line.npos || !is_config_name(name))
      return fail(ErrorCode::corrupt, "line {} is not a line of a kernel configuration", number);
    auto value = unquoted(line.substr(equals + 1));
    if (!value)
      return fail(ErrorCode::corrupt, "line {}: the value of {} has no closing quote", number, name);
    // As for make: the last line wins.
    config.values_.insert_or_assign(std::string(name), *std::move(value));
    any = true;
  }
  if (!any) return fail(ErrorCode::corrupt, "there is no CONFIG_ line: not a kernel configuration");
  return config;
}

bool KernelConfig::is(std::string_view name, std::string_view wanted) const {
  const auto found = values_.find(name);
  return found != values_.end() && found->second == wanted;
}

std::optional<std::string> KernelConfig::value(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

Result<KernelConfig> find_kernel_config(const std::string& kernel_path, const std::string& release,
                                        const std::string& modules_dir, const std::string& root) {
  const auto looked = places(kernel_path, release, modules_dir, root);
  for (const auto& path : looked) {
    const auto text = read_config_text(path);
    if (!text && text.error().code == ErrorCode::not_found) continue;
    if (!text) return std::unexpected(text.error());
    auto config = TRY_CONTEXT(KernelConfig::parse(*text), "{}", path);
    config.origin = path;
    return config;
  }
  std::string list;
  for (const auto& path : looked) list += (list.empty() ? "" : ", ") + path;
  return std::unexpected(
      Error(ErrorCode::not_found, fmt::format("no configuration of kernel {}: looked for {}", release, list))
          .hint("copy .config of that kernel's build beside it, as config-" + release));
}

}  // namespace lifeboat
