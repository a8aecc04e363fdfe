// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/kernel_config.h"

#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <memory>
#include <ranges>
#include <vector>

#include "base/file.h"
#include "base/size.h"

namespace lifeboat {
namespace {

constexpr uint64_t kMostConfigBytes = 16_MiB;

Result<std::string> read_gzip(const std::string& path) {
  const std::unique_ptr<gzFile_s, decltype(&gzclose)> file(gzopen(path.c_str(), "re"), gzclose);
  if (!file) return fail_errno("cannot open {}", path);
  std::string text(kMostConfigBytes, '\0');
  const int count = gzread(file.get(), text.data(), static_cast<unsigned>(text.size()));
  if (count < 0) return fail(ErrorCode::corrupt, "cannot unpack {}", path);
  text.resize(static_cast<size_t>(count));
  return text;
}

}  // namespace

Result<KernelConfig> KernelConfig::parse(std::string_view text) {
  KernelConfig config;
  for (const auto part : std::views::split(text, '\n')) {
    const std::string_view line(part.begin(), part.end());
    const auto equals = line.find('=');
    if (!line.starts_with("CONFIG_") || equals == std::string_view::npos) continue;
    std::string_view value = line.substr(equals + 1);
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
    config.values_.insert_or_assign(std::string(line.substr(0, equals)), std::string(value));
  }
  if (config.values_.empty()) return fail(ErrorCode::corrupt, "not a kernel configuration: no line begins with CONFIG_");
  return config;
}

std::optional<std::string_view> KernelConfig::value(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

Result<KernelConfig> find_kernel_config(const std::string& kernel_path, const std::string& release,
                                        const std::string& module_folder) {
  const std::string name = "config-" + release;
  // The image may be a link into the place where its configuration lies.
  std::error_code error;
  const auto real = std::filesystem::canonical(kernel_path, error);
  std::vector<std::string> places = {
      (std::filesystem::path(kernel_path).parent_path() / name).string(),
      (real.parent_path() / name).string(),
      "/boot/" + name,
      module_folder + "/config",
  };
  for (const auto& place : places) {
    if (::access(place.c_str(), R_OK) != 0) continue;
    return TRY_CONTEXT(KernelConfig::parse(TRY(read_text(place, kMostConfigBytes))), "{}", place);
  }
  utsname running{};
  if (::uname(&running) == 0 && release == running.release && ::access("/proc/config.gz", R_OK) == 0)
    return TRY_CONTEXT(KernelConfig::parse(TRY(read_gzip("/proc/config.gz"))), "/proc/config.gz");
  std::string looked;
  for (const auto& place : places) looked += " " + place;
  return fail(ErrorCode::not_found, "the configuration of the kernel {} is in none of:{}", release, looked);
}

}  // namespace lifeboat
