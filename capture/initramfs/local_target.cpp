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

#include "src/base/file.h"
#include "src/base/real_folder.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

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

constexpr const char* kOtherFolder =
    "set [target] path to a folder on a plain disk or partition with ext4, xfs, or btrfs of one device";

// A device that the kernel builds from others (LVM, RAID) needs more than drivers to appear.
Result<> check_plain_device(const std::string& sys, const std::string& device_number) {
  std::error_code error;
  for (const auto& entry :
       fs::directory_iterator(fmt::format("{}/dev/block/{}/slaves", sys, device_number), error)) {
    return std::unexpected(
        Error(ErrorCode::unsupported,
              fmt::format("the target is on LVM, RAID or encryption: not supported yet ({} is below it)",
                          entry.path().filename().string()))
            .hint(kOtherFolder));
  }
  return {};
}

Error spread_over(uint64_t devices, const std::string& what) {
  return Error(ErrorCode::unsupported,
               fmt::format("{} spans {} devices; a capture kernel supports only one", what, devices))
      .hint(kOtherFolder);
}

// The target on a device that the caller has found.
Result<LocalTarget> target_on(const BlockDevice& device, const FileSystemOnDevice& on_device,
                              const std::string& filesystem, const std::string& path,
                              const std::string& sys) {
  // A missing device counts here too.
  if (on_device.devices != 1)
    return std::unexpected(spread_over(on_device.devices, "the btrfs on " + device.path));
  return LocalTarget{
      .target = {.uuid = on_device.uuid, .filesystem = filesystem, .path = path},
      .device = device.path,
      .drivers = TRY(device_drivers(sys, device.number)),
  };
}

}  // namespace

std::vector<std::string> drivers_on_the_way(const std::string& sys, const std::string& device) {
  std::error_code error;
  const fs::path first = fs::canonical(device, error);
  if (error) return {};
  const fs::path top = fs::canonical(sys, error);
  std::vector<std::string> drivers;
  for (fs::path node = first; node != top && node.has_relative_path(); node = node.parent_path()) {
    const fs::path module = fs::read_symlink(node / "driver" / "module", error);
    if (!error) {
      drivers.push_back(module.filename());
    } else {
      // Bound to nothing, or to a driver that is built in here and may be a module of the kernel that will
      // run.
      if (const auto alias = read_line(node / "modalias")) drivers.push_back(*alias);
    }
  }
  // From the bus to the disk, as they will be found.
  std::ranges::reverse(drivers);
  std::vector<std::string> unique;
  for (auto& driver : drivers) {
    if (std::ranges::find(unique, driver) == unique.end()) unique.push_back(std::move(driver));
  }
  return unique;
}

Result<std::vector<std::string>> device_drivers(const std::string& sys, const std::string& device_number) {
  const std::string link = fmt::format("{}/dev/block/{}", sys, device_number);
  std::error_code error;
  if (fs::exists(link, error)) return drivers_on_the_way(sys, link);
  return std::unexpected(errno_error(error ? error.value() : ENOENT, fmt::format("cannot resolve {}", link))
                             .hint("mount /sys, or name the drivers with --module"));
}

Result<std::vector<std::string>> devices_below(const Mount& mount, const HostPaths& paths) {
  if (!mount.device_number.starts_with("0:")) return std::vector{mount.device_number};
  if (mount.filesystem == "btrfs")
    return btrfs_devices(paths.sys, TRY(paths.btrfs_uuid_of(mount.mount_point)));
  return fail(ErrorCode::unsupported, "{} ({}) has no block device", mount.source, mount.filesystem);
}

Result<LocalTarget> find_local_target(const std::string& folder, const HostPaths& paths) {
  const std::string real = TRY(real_folder(folder)).path;
  const Mount mount = TRY(find_mount(TRY(read_text(paths.mountinfo, 16_MiB)), real));
  auto below = devices_below(mount, paths);
  if (!below && below.error().code == ErrorCode::unsupported) {
    return std::unexpected(
        Error(ErrorCode::unsupported, fmt::format("{} is on {} ({}), which a capture kernel cannot mount yet",
                                                  folder, mount.source, mount.filesystem))
            .hint(kOtherFolder));
  }
  const auto numbers = TRY_CONTEXT(std::move(below), "the device of {}", folder);
  if (numbers.size() != 1) return std::unexpected(spread_over(numbers.size(), folder));
  TRY_VOID(check_plain_device(paths.sys, numbers[0]));
  const std::string inside = real.substr(mount.mount_point == "/" ? 0 : mount.mount_point.size());
  const BlockDevice device{.path = TRY(device_node(paths, numbers[0])), .number = numbers[0]};
  return target_on(device, TRY(probe_device(device.path)), mount.filesystem, join(mount.root, inside),
                   paths.sys);
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
  }
  if (found.uuid.empty()) {
    return std::unexpected(
        Error(ErrorCode::unsupported, fmt::format("{} has no file system with a UUID", device))
            .hint("choose another device ('blkid' lists them), or create a file system (mkfs.ext4)"));
  }
  if (found.type == "btrfs") found.devices = TRY(btrfs_device_count(device));
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
  TRY_VOID(check_plain_device(paths.sys, found.number));
  const auto on_device = TRY(probe_device(found.path));
  return target_on(found, on_device, filesystem.empty() ? on_device.type : filesystem, path, paths.sys);
}

}  // namespace lifeboat
