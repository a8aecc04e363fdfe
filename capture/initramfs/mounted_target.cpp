// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/mounted_target.h"

#include <algorithm>
#include <filesystem>

#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

// `path` relative to `root`, both from the root of one file system; nullopt: it is not below `root`.
std::optional<std::filesystem::path> below(const std::string& path, const std::string& root) {
  auto rest = std::filesystem::path("/" + path).lexically_normal().lexically_relative(root);
  if (rest.empty() || *rest.begin() == "..") return std::nullopt;
  return rest;
}

bool lies_on(const Mount& mount, const BlockDevice& device, const HostPaths& paths) {
  const auto below = devices_below(mount, paths);
  return below && std::ranges::find(*below, device.number) != below->end();
}

}  // namespace

std::optional<std::string> mounted_folder(std::string_view mountinfo, const BlockDevice& device,
                                          const std::string& path, const HostPaths& paths) {
  const auto mounts = parse_mounts(mountinfo);
  for (const auto& mount : mounts) {
    const auto rest = below(path, mount.root);
    if (!rest || !lies_on(mount, device, paths)) continue;
    const std::string here = (std::filesystem::path(mount.mount_point) / *rest).lexically_normal();
    // Another file system may be mounted over it or below it.
    if (mount_of(mounts, here) == &mount)
      return here.size() > 1 && here.ends_with('/') ? here.substr(0, here.size() - 1) : here;
  }
  return std::nullopt;
}

Result<std::optional<std::string>> mounted_folder(const std::string& device, const std::string& path,
                                                  const HostPaths& paths) {
  if (device.empty()) return path;
  const BlockDevice found = TRY(find_device(device));
  return mounted_folder(TRY(read_text(paths.mountinfo, 16_MiB)), found, path, paths);
}

}  // namespace lifeboat
