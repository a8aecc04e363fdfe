// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/local_target.h"

#include <blkid/blkid.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <ranges>

#include "capture/initramfs/target_file_systems.h"
#include "src/base/file.h"
#include "src/base/real_folder.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

std::string join(const std::string& folder, const std::string& rest) {
  std::string path = folder == "/" ? "" : folder;
  path += rest.starts_with('/') || rest.empty() ? rest : "/" + rest;
  return path.empty() ? "/" : path;
}

Result<std::string> block_device_number(const std::string& device) {
  struct stat status{};
  if (::stat(device.c_str(), &status) != 0) return fail_errno("cannot find {}", device);
  if (!S_ISBLK(status.st_mode)) return fail(ErrorCode::unsupported, "{} is not a block device", device);
  return fmt::format("{}:{}", major(status.st_rdev), minor(status.st_rdev));
}

// The node of a block device: devtmpfs uses the kernel's name of it.
Result<std::string> device_node(const HostPaths& paths, const std::string& device_number) {
  const std::string about = fmt::format("{}/dev/block/{}/uevent", paths.sys, device_number);
  const std::string text = TRY(read_text(about));
  for (const auto part : std::views::split(text, '\n')) {
    constexpr std::string_view kKey = "DEVNAME=";
    const std::string_view line(part.begin(), part.end());
    if (line.starts_with(kKey)) return fmt::format("{}/{}", paths.dev, line.substr(kKey.size()));
  }
  return fail(ErrorCode::not_found, "{} has no DEVNAME", about);
}

Error spread_over(uint64_t devices, const std::string& what) {
  return Error(ErrorCode::unsupported,
               fmt::format("{} spans {} devices; a capture kernel supports only one", what, devices))
      .hint(kOtherTarget);
}

// What is written to a read-only device is lost; that the kernel knows of it is no matter of permissions.
Result<> check_writable(const DeviceNode& node, const std::string& device) {
  if (read_line(node.folder + "/ro") != "1") return {};
  return std::unexpected(
      Error(ErrorCode::unsupported, fmt::format("{} is read-only", device))
          .hint(fmt::format(
              "set [target] to another disk; or, if it was made read-only by hand: blockdev --setrw {}",
              device)));
}

// The target on a device that a capture kernel can reach.
Result<LocalTarget> target_on(const BlockDevice& device, const DeviceNode& tree,
                              const std::string& filesystem, const std::string& path,
                              const std::string& sys) {
  TRY_VOID(check_writable(tree, device.path));
  const FileSystemOnDevice found = TRY(probe_device(device.path));
  const std::string type = filesystem.empty() ? found.type : filesystem;
  TRY_VOID(check_file_system(type, device.path));
  if (!is_same_file_system(type, found.type)) {
    return std::unexpected(
        Error(ErrorCode::unsupported, fmt::format("{} contains {}, not {}", device.path, found.type, type))
            .hint("correct [target] filesystem, or remove it"));
  }
  // A missing device counts here too.
  if (found.devices != 1) return std::unexpected(spread_over(found.devices, "the btrfs on " + device.path));
  if (!found.elsewhere.empty()) {
    return std::unexpected(
        Error(ErrorCode::unsupported,
              fmt::format("the {} on {} has {} on another device, and a capture kernel mounts "
                          "only one",
                          found.type, device.path, found.elsewhere))
            .hint(kOtherTarget));
  }
  auto ways = driver_ways(sys, tree);
  auto drivers = all_drivers(ways);
  return LocalTarget{
      .target = {.uuid = found.uuid, .filesystem = type, .path = path},
      .device = device.path,
      .drivers = std::move(drivers),
      .ways = std::move(ways),
  };
}

// A folder, where it really is: the mount that holds it, and its path there.
struct Place {
  Mount mount;
  std::string folder;
};

// An overlay's upper layer may itself be on a mount of any kind.
constexpr int kMaxLayers = 8;

Result<Place> place_of(const std::string& folder, const HostPaths& paths) {
  std::string here = folder;
  for (int layer = 0; layer < kMaxLayers; ++layer) {
    const RealFolder real = TRY(real_folder(here));
    if (paths.is_encrypted_folder(real.folder.get())) {
      return std::unexpected(
          Error(ErrorCode::unsupported,
                fmt::format("{} is encrypted by its file system (fscrypt), and a capture kernel has no key",
                            here))
              .hint("set [target] path to a folder that is not encrypted"));
    }
    Mount mount = TRY(find_mount(TRY(read_text(paths.mountinfo, 16_MiB)), real.path));
    if (mount.filesystem != "overlay") return Place{std::move(mount), real.path};
    // The part of the path that exists; the rest is created below it.
    const std::string rest = real.missing.empty() ? "" : "/" + real.missing;
    const std::string there = real.path.substr(0, real.path.size() - std::min(rest.size(), real.path.size()));
    here = TRY(folder_in_upper(mount, there.empty() ? "/" : there, paths.is_upper_of)) + rest;
  }
  return fail(ErrorCode::unsupported, "{} is on more than {} overlays", folder, kMaxLayers);
}

// A bind mount shows a folder of a file system; that may have been deleted since.
Result<> check_root(const Mount& mount, const std::string& folder) {
  if (!mount.root.ends_with("//deleted")) return {};
  return std::unexpected(
      Error(ErrorCode::unsupported,
            fmt::format("{} is on a bind mount ({}) whose folder was deleted", folder, mount.mount_point))
          .hint(fmt::format("umount {0}, and mount it again", mount.mount_point)));
}

}  // namespace

bool is_encrypted_folder(int folder_fd) {
  struct statx status{};
  return ::statx(folder_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_ENCRYPTED) != 0;
}

Result<std::vector<std::string>> device_drivers(const std::string& sys, const std::string& device_number) {
  return all_drivers(driver_ways(sys, TRY(device_tree(sys, device_number))));
}

Result<std::vector<std::string>> devices_below(const Mount& mount, const HostPaths& paths) {
  if (!mount.device_number.starts_with("0:")) return std::vector{mount.device_number};
  if (mount.filesystem == "btrfs")
    return btrfs_devices(paths.sys, TRY(paths.btrfs_uuid_of(mount.mount_point)));
  return fail(ErrorCode::unsupported, "{} ({}) has no block device", mount.source, mount.filesystem);
}

Result<LocalTarget> find_local_target(const std::string& folder, const HostPaths& paths) {
  const auto [mount, real] = TRY(place_of(folder, paths));
  TRY_VOID(check_root(mount, folder));
  TRY_VOID(check_file_system(mount.filesystem, folder));
  const auto numbers = TRY_CONTEXT(devices_below(mount, paths), "the device of {}", folder);
  if (numbers.size() != 1) return std::unexpected(spread_over(numbers.size(), folder));
  const std::string inside = real.substr(mount.mount_point == "/" ? 0 : mount.mount_point.size());
  // What is in the way counts more than a name that is missing.
  auto node = device_node(paths, numbers[0]);
  const DeviceNode tree = TRY(device_tree(paths.sys, numbers[0]));
  TRY_VOID(check_reachable(tree, node.value_or(folder)));
  const BlockDevice device{.path = TRY(std::move(node)), .number = numbers[0]};
  return target_on(device, tree, mount.filesystem, join(mount.root, inside), paths.sys);
}

Result<FileSystemOnDevice> probe_device(const std::string& device) {
  const std::unique_ptr<blkid_struct_probe, decltype(&blkid_free_probe)> probe(
      blkid_new_probe_from_filename(device.c_str()), blkid_free_probe);
  if (!probe) {
    Error error = errno_error(errno, fmt::format("cannot open {}", device));
    // Root's, too, where a container has no access to devices.
    if (error.sys_errno == EPERM) error.hint("run it outside of a container");
    return std::unexpected(std::move(error));
  }
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_UUID | BLKID_SUBLKS_TYPE);
  FileSystemOnDevice found;
  if (blkid_do_safeprobe(probe.get()) == 0) {
    const char* text = nullptr;
    if (blkid_probe_lookup_value(probe.get(), "UUID", &text, nullptr) == 0) found.uuid = text;
    if (blkid_probe_lookup_value(probe.get(), "TYPE", &text, nullptr) == 0) found.type = text;
    // The UUID of a journal on a device of its own (libblkid's superblocks/ext.c).
    if (blkid_probe_lookup_value(probe.get(), "EXT_JOURNAL", &text, nullptr) == 0)
      found.elsewhere = "its journal";
  }
  if (!found.type.empty()) TRY_VOID(check_file_system(found.type, device));
  if (found.uuid.empty()) {
    return std::unexpected(
        Error(ErrorCode::unsupported, fmt::format("{} has no file system with a UUID", device))
            .hint("choose another device ('blkid' lists them), or create a file system (mkfs.ext4)"));
  }
  if (found.type == "btrfs") found.devices = TRY(btrfs_device_count(device));
  if (found.elsewhere.empty()) found.elsewhere = TRY(part_elsewhere(device, found.type));
  return found;
}

Result<BlockDevice> find_device(const std::string& device) {
  std::string name = device;
  if (!device.starts_with('/')) {
    // libblkid follows /dev/disk/by-* and its own cache, as mount(8) does.
    const std::unique_ptr<char, decltype(&::free)> found(blkid_evaluate_spec(device.c_str(), nullptr),
                                                         ::free);
    if (!found) {
      return std::unexpected(Error(ErrorCode::not_found, fmt::format("no device has {}", device))
                                 .hint("connect the device; 'blkid' lists the devices that are there"));
    }
    name = found.get();
  }
  return BlockDevice{.path = name, .number = TRY(block_device_number(name))};
}

Result<LocalTarget> find_device_target(const std::string& device, const std::string& filesystem,
                                       const std::string& path, const HostPaths& paths) {
  const BlockDevice found = TRY(find_device(device));
  const DeviceNode tree = TRY(device_tree(paths.sys, found.number));
  TRY_VOID(check_reachable(tree, found.path));
  return target_on(found, tree, filesystem, path, paths.sys);
}

}  // namespace lifeboat
