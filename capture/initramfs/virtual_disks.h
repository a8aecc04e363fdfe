// SPDX-License-Identifier: GPL-2.0-or-later
// Recognises block devices that look like a disk although no bus of the machine leads to their data.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "capture/initramfs/device_tree.h"

namespace lifeboat {

struct VirtualDisk {
  DeviceKind kind = DeviceKind::unknown_virtual;
  std::string what;  // DeviceNode has its meaning
};

// By the folder of a whole disk below `sys`, both without links; nullopt: it is a disk of a bus, as far as
// its folder shows. Devices that are made of other block devices are not looked for.
std::optional<VirtualDisk> virtual_disk(const std::string& sys, const std::filesystem::path& folder);

// How an NVMe controller, given by its folder, is connected: "pcie", "tcp", ... (drivers/nvme/host/sysfs.c);
// empty: not known.
std::string nvme_transport(const std::string& sys, const std::filesystem::path& controller);
// Whether the machine's own bus leads to it.
bool is_local_transport(const std::string& transport);

}  // namespace lifeboat
