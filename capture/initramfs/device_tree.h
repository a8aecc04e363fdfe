// SPDX-License-Identifier: GPL-2.0-or-later
// What a block device is made of, by /sys alone: the way from the device of a file system down to each
// physical device, and what each step is. It describes; what a capture kernel can do with a step is decided
// in reachable.h. Without uevents and symbolic names: those come from udev, and may be missing or old.
#pragma once

#include <string>
#include <vector>

#include "src/base/error.h"

namespace lifeboat {

enum class DeviceKind {
  disk,       // a driver of a bus provides it (SATA, SAS, FC, USB, MMC, virtio, NVMe on PCI, ...)
  partition,  // of the one device below it
  // NVMe's own multipath: the disk of a subsystem; below it are its controllers, each a way to the same data.
  nvme_subsystem,
  nvme_controller,
  // Made of other devices.
  lvm,
  crypt,
  multipath,
  device_mapper,  // another one of its targets
  raid,           // md
  bcache,
  stacked,  // has devices below it, and is none of the above
  // Looks like a disk, and its data are somewhere else.
  network,
  memory,
  loop,             // in a file
  program,          // a program of the running system serves it
  unknown_virtual,  // below /sys/devices/virtual, and none of the above
};

struct DeviceNode {
  DeviceKind kind = DeviceKind::disk;
  std::string name;    // the kernel's: "sda1", "dm-0", "nvme0"
  std::string folder;  // in /sys, without links
  // What it is, for messages: "a logical volume of LVM (vg-root)". Empty for disks and partitions.
  std::string what;
  std::vector<DeviceNode> below;  // that it consists of, or that lead to it; empty: a physical device
  bool leads = true;              // a controller: it has a path to the disk above it now
};

// The device with this number ("8:1"). `not_found`: the kernel does not report it. `corrupt`: the devices are
// stacked deeper, or are more, than any machine has them (a loop).
Result<DeviceNode> device_tree(const std::string& sys, const std::string& device_number);

}  // namespace lifeboat
