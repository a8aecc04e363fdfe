// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/boot_files.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "loader/entries/boot_entry.h"
#include "loader/entries/boot_entry_file.h"
#include "src/base/file.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using What = BootFiles::What;
using Kind = BootDevice::Kind;

// What follows `folder` in `path` ("/x", or nothing); nullopt: it is not below it.
std::optional<std::string_view> below(std::string_view path, std::string_view folder) {
  if (folder == "/") return path == "/" ? std::string_view() : path;
  if (!path.starts_with(folder)) return std::nullopt;
  path.remove_prefix(folder.size());
  if (!path.empty() && !path.starts_with('/')) return std::nullopt;
  return path;
}

std::string join(std::string_view folder, std::string_view rest) {
  return folder == "/" ? std::string(rest) : std::string(folder) + std::string(rest);
}

bool is(What what, const std::string& path) {
  std::error_code ignored;
  return what == What::file ? fs::is_regular_file(path, ignored) : fs::is_directory(path, ignored);
}

// udev's names of labels: what is not safe in a file name is written as \xNN.
std::string udev_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool safe = byte > 0x7f || std::isalnum(byte) != 0 || std::string_view("#+-.:=@_").contains(c);
    name += safe ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return name;
}

std::string describe(const BootDevice& device) {
  switch (device.kind) {
    case Kind::uuid:
      return "the file system with the UUID " + device.name;
    case Kind::label:
      return "the file system with the label " + device.name;
    case Kind::unknown:
      return "(" + device.name + ")";
    case Kind::configuration:
      break;
  }
  return "the file system of the configuration";
}

struct Candidate {
  std::string path;
  bool certain = true;
};

// Below the folder of the configuration: as it stands; where /boot is a folder of the root file system, or of
// a subvolume, the entries say "/boot/vmlinuz" or "/SUBVOLUME/boot/vmlinuz".
std::vector<Candidate> below_folder(const std::string& folder, const std::string& path) {
  std::vector<Candidate> candidates = {{.path = folder + path}};
  const std::string name = "/" + fs::path(folder).filename().string() + "/";
  for (size_t at = path.find(name); at != path.npos; at = path.find(name, at + 1))
    candidates.push_back({.path = folder + path.substr(at + name.size() - 1), .certain = at == 0});
  return candidates;
}

}  // namespace

BootFiles::BootFiles(const BootPaths& paths, std::string folder)
    : folder_(std::move(folder)),
      real_folder_(folder_),
      roots_(paths.roots),
      sys_(paths.sys),
      disks_(paths.disks),
      mounts_(parse_mounts(read_text(paths.mountinfo, uint64_t{8} << 20).value_or(""))) {
  std::error_code error;
  const fs::path real = fs::canonical(folder_, error);
  if (!error) real_folder_ = real.string();
}

std::optional<std::string> BootFiles::device_file(const BootDevice& device) const {
  if (device.name.empty() || device.name.find('/') != std::string::npos) return std::nullopt;
  const std::string link = device.kind == Kind::uuid
                               ? fmt::format("{}/by-uuid/{}", disks_, device.name)
                               : fmt::format("{}/by-label/{}", disks_, udev_name(device.name));
  std::error_code error;
  const fs::path file = fs::canonical(link, error);
  if (error) return std::nullopt;
  return file.string();
}

bool BootFiles::is_source(const Mount& mount, const BootDevice& device, const std::string& file) const {
  std::error_code error;
  if (fs::canonical(mount.source, error).string() == file && !error) return true;
  if (mount.filesystem != "btrfs" || device.kind != Kind::uuid) return false;
  // A file system on several devices: udev's link leads to one of them, the table of mounts names another.
  const std::string member =
      fmt::format("{}/fs/btrfs/{}/devices/{}", sys_, device.name, fs::path(mount.source).filename().string());
  return fs::exists(fs::symlink_status(member, error));
}

std::vector<const Mount*> BootFiles::mounts_of(const BootDevice& device) const {
  std::vector<const Mount*> found;
  const auto file = device.kind == Kind::configuration ? std::nullopt : device_file(device);
  const Mount* own = mount_of(mounts_, real_folder_);
  for (const auto& mount : mounts_) {
    const bool same =
        file ? is_source(mount, device, *file) : own != nullptr && mount.device_number == own->device_number;
    if (same) found.push_back(&mount);
  }
  return found;
}

std::optional<bool> BootFiles::is_there(const BootDevice& device) const {
  if (device.kind == Kind::configuration) return true;
  if (device.kind == Kind::unknown) return std::nullopt;
  std::error_code ignored;
  if (!fs::is_directory(disks_ + "/by-uuid", ignored)) return std::nullopt;
  return device_file(device).has_value();
}

Result<BootFiles::Found> BootFiles::find(const BootDevice& device, std::string_view path, What what) const {
  const std::string normal = path_below("", path);
  const bool known =
      device.kind == Kind::configuration || (device.kind != Kind::unknown && device_file(device).has_value());
  const auto mounts = mounts_of(known ? device : BootDevice{});
  std::vector<Candidate> tried;
  for (const auto* mount : mounts) {
    std::vector<std::string> candidates;
    if (const auto rest = below(normal, mount->root)) candidates.push_back(join(mount->mount_point, *rest));
    // GRUB's paths may begin at the default subvolume instead of the top.
    if (mount->filesystem == "btrfs" && mount->root != "/")
      candidates.push_back(join(mount->mount_point, normal));
    for (auto& candidate : candidates)
      if (mount_of(mounts_, candidate) == mount) tried.push_back({.path = std::move(candidate)});
  }
  // A file system of its own that is mounted elsewhere has nothing below this folder.
  const Mount* own = mount_of(mounts_, real_folder_);
  const bool here =
      !known || device.kind == Kind::configuration || std::ranges::find(mounts, own) != mounts.end();
  // The table of mounts knows the subvolume: a path of another one is not here.
  const bool subvolume = own != nullptr && own->filesystem == "btrfs" && own->root != "/";
  std::vector<std::string> folders;
  if (here) folders.push_back(folder_);
  if (!known) folders.insert(folders.end(), roots_.begin(), roots_.end());
  for (const auto& folder : folders) {
    for (auto& candidate : below_folder(folder, normal))
      if (candidate.certain || !subvolume) tried.push_back(std::move(candidate));
  }
  for (const auto& candidate : tried)
    if (is(what, candidate.path)) return Found{.path = candidate.path, .certain = known && candidate.certain};
  if (known && mounts.empty() && !here) {
    return std::unexpected(
        Error(ErrorCode::not_found, fmt::format("{}, which has {}, is not mounted", describe(device), normal))
            .hint("mount it, or name kernel and initramfs by their paths"));
  }
  return fail(ErrorCode::not_found, "there is no {}", tried.empty() ? normal : tried.front().path);
}

std::string BootFiles::locate(std::string_view path) const {
  const auto found = find({}, path);
  return found ? found->path : path_below(folder_, path);
}

}  // namespace lifeboat
