// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/device_drivers.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>

#include "src/base/file.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::ranges::find(list, item) == list.end()) list.push_back(item);
}

// The folders from a device up to the bus; empty: there is no such device.
std::vector<fs::path> folders_up(const std::string& sys, const std::string& device) {
  std::error_code error;
  const fs::path first = fs::canonical(device, error);
  if (error) return {};
  const fs::path top = fs::canonical(sys, error);
  std::vector<fs::path> folders;
  for (fs::path node = first; node != top && node.has_relative_path(); node = node.parent_path())
    folders.push_back(node);
  return folders;
}

std::string bound_module(const fs::path& folder) {
  std::error_code none;
  return fs::read_symlink(folder / "driver" / "module", none).filename();
}

// "0:0:0:1", what a SCSI host has found: host, channel, target, unit.
bool is_scsi_unit(std::string_view name) {
  return std::ranges::count(name, ':') == 3 &&
         name.find_first_not_of("0123456789:") == std::string_view::npos;
}

bool is_bridge(const std::string& alias, const std::string& driver) {
  // PCI's base class 6 (include/linux/pci_ids.h, file2alias.c).
  return driver == "pcieport" || (alias.starts_with("pci:") && alias.find("bc06") != std::string::npos);
}

std::optional<DriverSign> sign_of(const fs::path& folder) {
  if (is_scsi_unit(folder.filename().string())) return std::nullopt;
  std::error_code none;
  const std::string driver = fs::read_symlink(folder / "driver", none).filename();
  const std::string alias = read_line(folder / "modalias").value_or("");
  if (is_bridge(alias, driver)) return std::nullopt;
  if (std::string module = bound_module(folder); !module.empty()) return DriverSign{SignKind::module, module};
  if (!driver.empty()) return DriverSign{SignKind::built_in, driver};
  if (!alias.empty()) return DriverSign{SignKind::alias, alias};
  return std::nullopt;
}

DriverWay way_to(const std::string& sys, const DeviceNode& node) {
  DriverWay way{.device = node.name, .drivers = drivers_on_the_way(sys, node.folder), .signs = {}};
  for (const auto& folder : folders_up(sys, node.folder)) {
    const auto sign = sign_of(folder);
    if (!sign) continue;
    way.signs.push_back(*sign);
    // A built-in driver's device has an alias by which another kernel finds it.
    const auto alias = read_line(folder / "modalias");
    if (sign->kind == SignKind::built_in && alias) way.signs.push_back({SignKind::alias, *alias});
  }
  return way;
}

void add_ways(const std::string& sys, const DeviceNode& node, std::vector<DriverWay>& ways) {
  if (node.kind == DeviceKind::network) return;  // one path of several
  if (node.below.empty()) ways.push_back(way_to(sys, node));
  for (const auto& below : node.below) add_ways(sys, below, ways);
}

// Why a capture kernel cannot use a device of this kind; empty: it can.
std::string_view obstacle(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::disk:
    case DeviceKind::partition:
    case DeviceKind::nvme_subsystem:
    case DeviceKind::nvme_controller:
      return {};
    case DeviceKind::lvm:
    case DeviceKind::crypt:
    case DeviceKind::multipath:
    case DeviceKind::device_mapper:
    case DeviceKind::raid:
    case DeviceKind::bcache:
    case DeviceKind::stacked:
      return "a capture kernel cannot assemble it yet";
    case DeviceKind::network:
      return "a capture kernel has no network";
    case DeviceKind::memory:
      return "it is lost when the machine restarts";
    case DeviceKind::loop:
      return "a capture kernel does not set it up";
    case DeviceKind::program:
      return "a capture kernel does not have the program or driver that serves it";
    case DeviceKind::unknown_virtual:
      return "a capture kernel may not have it";
  }
  return "a capture kernel may not have it";
}

std::string names_of(const std::vector<DeviceNode>& nodes) {
  std::string names;
  for (const auto& node : nodes) names += (names.empty() ? "" : ", ") + node.name;
  return names;
}

// "/dev/nbd0 is a network block device (nbd)", "/dev/md126p1 is on md126, a RAID array (raid1)".
std::string place_of(const DeviceNode& node, const std::string& device) {
  const bool itself = std::filesystem::path(device).filename() == node.name;
  return itself ? fmt::format("{} is {}", device, node.what)
                : fmt::format("{} is on {}, {}", device, node.name, node.what);
}

Error refusal(const std::string& place, std::string_view why) {
  return Error(ErrorCode::unsupported, fmt::format("{}: {}", place, why)).hint(kOtherTarget);
}

// One path of several is enough.
Result<> check_paths(const DeviceNode& node, const std::string& device) {
  if (node.below.empty()) {
    return std::unexpected(
        Error(ErrorCode::not_found, fmt::format("{}, which has no controller now", place_of(node, device)))
            .hint("connect it; 'nvme list-subsys' shows its paths"));
  }
  const auto usable = [](const DeviceNode& path) { return path.leads && obstacle(path.kind).empty(); };
  if (std::ranges::any_of(node.below, usable)) return {};
  const DeviceNode& first = *std::ranges::find_if(node.below, &DeviceNode::leads);
  return std::unexpected(refusal(fmt::format("{} ({}, {})", place_of(node, device), first.name, first.what),
                                 obstacle(first.kind)));
}

}  // namespace

std::vector<std::string> drivers_on_the_way(const std::string& sys, const std::string& device) {
  std::vector<std::string> drivers;
  auto folders = folders_up(sys, device);
  // From the bus to the disk, as they will be found.
  std::ranges::reverse(folders);
  for (const auto& folder : folders) {
    if (std::string module = bound_module(folder); !module.empty()) {
      add_once(drivers, module);
    } else if (const auto alias = read_line(folder / "modalias")) {
      // Bound to nothing, or to a driver that is built in here and may be a module of the kernel that will
      // run.
      add_once(drivers, *alias);
    }
  }
  return drivers;
}

Result<> check_reachable(const DeviceNode& tree, const std::string& device) {
  if (const auto why = obstacle(tree.kind); !why.empty()) {
    const std::string parts = tree.below.empty() ? "" : fmt::format(" (of {})", names_of(tree.below));
    return std::unexpected(refusal(place_of(tree, device) + parts, why));
  }
  if (tree.kind == DeviceKind::nvme_subsystem) return check_paths(tree, device);
  for (const auto& below : tree.below) TRY_VOID(check_reachable(below, device));
  return {};
}

std::vector<DriverWay> driver_ways(const std::string& sys, const DeviceNode& tree) {
  std::vector<DriverWay> ways;
  add_ways(sys, tree, ways);
  return ways;
}

std::vector<std::string> all_drivers(const std::vector<DriverWay>& ways) {
  std::vector<std::string> drivers;
  for (const auto& way : ways)
    for (const auto& driver : way.drivers) add_once(drivers, driver);
  return drivers;
}

}  // namespace lifeboat
