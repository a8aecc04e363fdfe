// SPDX-License-Identifier: GPL-2.0-or-later
// Where dumps go on this machine, as the capture kernel finds it: the file system's UUID, the path within it,
// and the drivers of its device.
#pragma once

#include <string>
#include <vector>

#include "capture/initramfs/btrfs.h"
#include "capture/initramfs/device_drivers.h"
#include "capture/initramfs/overlay_mount.h"
#include "capture/plan/capture_plan.h"
#include "src/base/error.h"
#include "src/mounts/mounts.h"

namespace lifeboat {

// Whether the files of this open folder are encrypted by the file system (fscrypt).
bool is_encrypted_folder(int folder_fd);

// Paths that a test replaces, and queries that a test replaces by functions.
struct HostPaths {
  std::string mountinfo = "/proc/self/mountinfo";
  std::string sys = "/sys";
  std::string dev = "/dev";
  Result<std::string> (*btrfs_uuid_of)(const std::string& folder) = lifeboat::btrfs_uuid_of;
  bool (*is_upper_of)(const std::string& upper, const std::string& folder) = lifeboat::is_upper_of;
  bool (*is_encrypted_folder)(int folder_fd) = lifeboat::is_encrypted_folder;
};

struct LocalTarget {
  Target target;
  std::string device;                // "/dev/vda1"
  std::vector<std::string> drivers;  // names of modules, or modaliases where no driver is bound
  std::vector<DriverWay> ways;       // to each physical device, and what shows that it has a driver
};

// The file system that holds `folder` (which need not exist yet: its nearest parent counts; links on the way
// as base/real_folder.h follows them; of an overlay, that of its upper layer). `unsupported` for what
// lifeboat-init cannot mount, each by its name: a file system that takes no dump (target_file_systems.h),
// one on several devices, a device that a capture kernel does not reach (device_drivers.h), a read-only one.
// The device is found by the mount's number, or by btrfs; the source in mountinfo is not used: it may be no
// file
// ("/dev/root"), or have another name by now.
Result<LocalTarget> find_local_target(const std::string& folder, const HostPaths& paths);

// A file system that need not be mounted: `device` is "/dev/sdb1", "UUID=...", "LABEL=...", `path` begins at
// its root. `filesystem` may be empty: it is read from the device. `not_found`: there is no such device now.
Result<LocalTarget> find_device_target(const std::string& device, const std::string& filesystem,
                                       const std::string& path, const HostPaths& paths);

// A block device of this machine.
struct BlockDevice {
  std::string path;    // "/dev/vda1"
  std::string number;  // "253:1"
};
// Of "/dev/sdb1", "UUID=...", "LABEL=...", as mount(8) finds it. `not_found`: it is not there.
Result<BlockDevice> find_device(const std::string& device);

// What the superblock on a device contains.
struct FileSystemOnDevice {
  std::string uuid, type;  // "ext4"
  uint64_t devices = 1;    // that it consists of
  std::string elsewhere;   // what it keeps on another device ("its journal"); empty: nothing
};
// `unsupported`: there is no file system, one that cannot take a dump, or one without a UUID.
Result<FileSystemOnDevice> probe_device(const std::string& device);

// The numbers of the block devices below a mount ("8:1"); several only for btrfs. `unsupported`: it has none.
Result<std::vector<std::string>> devices_below(const Mount& mount, const HostPaths& paths);

// The drivers of a block device, along its path in /sys or that of each device it consists of.
Result<std::vector<std::string>> device_drivers(const std::string& sys, const std::string& device_number);

}  // namespace lifeboat
