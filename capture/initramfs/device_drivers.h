// SPDX-License-Identifier: GPL-2.0-or-later
// The drivers through which the kernel reaches a device, by the path of the device in /sys.
#pragma once

#include <string>
#include <vector>

#include "capture/initramfs/device_tree.h"
#include "src/base/error.h"

namespace lifeboat {

// The modules bound to a device of /sys and to those it hangs on, from the bus to the device; modaliases
// where nothing is bound. Empty: there is no such device.
std::vector<std::string> drivers_on_the_way(const std::string& sys, const std::string& device);

// What shows that some driver leads to a device.
enum class SignKind {
  module,    // a module is bound
  alias,     // the device has this modalias, and no module is bound
  built_in,  // the running kernel has bound a driver of this name that is not a module
};
struct DriverSign {
  SignKind kind = SignKind::module;
  std::string name;
  bool operator==(const DriverSign&) const = default;
};

// One physical device, and how the kernel comes to it.
struct DriverWay {
  std::string device;                // its kernel name: "sda", "nvme0"
  std::vector<std::string> drivers;  // as drivers_on_the_way() has them
  // Of the adapters on the way: not of PCI bridges, which lead nowhere by themselves, nor of the driver that
  // makes a disk of what a SCSI host has found (sd).
  std::vector<DriverSign> signs;
};

// Whether a capture kernel reaches a device by its drivers alone. `unsupported` names what is in the way, and
// what would work; `not_found`: no path of a device that has several is there now. `device` is its name for
// messages.
Result<> check_reachable(const DeviceNode& tree, const std::string& device);

// The ways to the physical devices of a tree that check_reachable() accepts. A path to an NVMe subsystem that
// a capture kernel cannot take is left out.
std::vector<DriverWay> driver_ways(const std::string& sys, const DeviceNode& tree);

// Their drivers, each once.
std::vector<std::string> all_drivers(const std::vector<DriverWay>& ways);

// The advice for what is refused.
inline constexpr const char* kOtherTarget =
    "set [target] path to a folder on a local disk or partition (SATA, SAS, NVMe, USB, virtio), not of LVM, "
    "RAID or "
    "encryption, with ext4, xfs, or btrfs of one device";

}  // namespace lifeboat
