// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/device_tree.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "capture/initramfs/virtual_disks.h"
#include "src/base/file.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

// No machine has as many; what is more is a loop.
constexpr int kMaxDepth = 16, kMaxNodes = 1024;

bool is_there(const fs::path& path) {
  std::error_code none;
  return fs::exists(path, none);
}

bool is_numbered(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) && name.size() > prefix.size() &&
         name.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
}

// The names in a folder, sorted: the order of a folder is arbitrary.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

std::string with_name(const std::string& what, const std::string& name) {
  return name.empty() ? what : what + " (" + name + ")";
}

struct Owner {
  std::string_view prefix;
  DeviceKind kind;
  const char* what;
};
// dm/uuid begins with who made the device: lvm2, libcryptsetup, multipath-tools, kpartx, dmraid, Stratis,
// VDO.
constexpr std::array kOwners{
    Owner{"LVM-", DeviceKind::lvm, "a logical volume of LVM"},
    Owner{"CRYPT-VERITY", DeviceKind::device_mapper, "a read-only verity device"},
    Owner{"CRYPT-", DeviceKind::crypt, "an encrypted device"},
    Owner{"mpath-", DeviceKind::multipath, "a multipath device"},
    Owner{"DMRAID-", DeviceKind::device_mapper, "a BIOS RAID set of dmraid"},
    Owner{"stratis-", DeviceKind::device_mapper, "a Stratis volume"},
    Owner{"VDO-", DeviceKind::device_mapper, "a VDO volume"},
    Owner{"INTEGRITY-", DeviceKind::device_mapper, "an integrity device"},
};

void describe_device_mapper(const fs::path& folder, DeviceNode& node) {
  std::string uuid = read_line(folder / "dm/uuid").value_or("");
  const std::string name = read_line(folder / "dm/name").value_or("");
  // "part1-mpath-...": a partition that kpartx made, on whatever is named behind.
  const auto dash = uuid.find('-');
  const bool part = dash != std::string::npos && is_numbered(uuid.substr(0, dash), "part");
  if (part) uuid.erase(0, dash + 1);
  const auto owner =
      std::ranges::find_if(kOwners, [&](const Owner& known) { return uuid.starts_with(known.prefix); });
  node.kind = owner == kOwners.end() ? DeviceKind::device_mapper : owner->kind;
  node.what = with_name((part ? "a partition (by device mapper) of " : "") +
                            std::string(owner == kOwners.end() ? "a device of device mapper" : owner->what),
                        name);
}

// Sets kind and `what` of a device that the kernel builds from others; false: it is none.
bool describe_stack(const fs::path& folder, DeviceNode& node) {
  if (is_there(folder / "dm") || is_numbered(node.name, "dm-")) {
    describe_device_mapper(folder, node);
    return true;
  }
  if (is_there(folder / "md") || is_numbered(node.name, "md") || node.name.starts_with("md_")) {
    node.kind = DeviceKind::raid;
    node.what = with_name("a RAID array", read_line(folder / "md/level").value_or(""));
    return true;
  }
  if (is_numbered(node.name, "bcache")) {
    node.kind = DeviceKind::bcache;
    node.what = "a bcache device";
    return true;
  }
  if (names_in(folder / "slaves").empty()) return false;
  node.kind = DeviceKind::stacked;
  node.what = "a device made of others";
  return true;
}

bool is_partition(const fs::path& folder) {
  if (is_there(folder / "partition")) return true;
  const auto uevent = read_text(folder / "uevent");
  return uevent && uevent->find("DEVTYPE=partition") != std::string::npos;
}

class Walk {
 public:
  explicit Walk(fs::path sys) : sys_(std::move(sys)) {}

  Result<DeviceNode> visit(const fs::path& folder, int depth) {
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes)
      return fail(ErrorCode::corrupt, "{} is below itself", folder.string());
    DeviceNode node{.name = folder.filename(), .folder = folder};
    if (folder.parent_path().parent_path().filename() == "nvme-subsystem") {
      node.kind = DeviceKind::nvme_subsystem;
      node.what = fmt::format("a disk of the NVMe subsystem {}", folder.parent_path().filename().string());
      add_controllers(folder, node);
    } else if (describe_stack(folder, node)) {
      TRY_VOID(add_slaves(folder, depth, node));
    } else if (is_partition(folder)) {
      // It has no slaves of its own: what its disk is made of counts.
      node.kind = DeviceKind::partition;
      node.below.push_back(TRY(visit(folder.parent_path(), depth + 1)));
    } else if (auto known = virtual_disk(sys_, folder)) {
      node.kind = known->kind;
      node.what = std::move(known->what);
    }
    return node;
  }

 private:
  Result<> add_slaves(const fs::path& folder, int depth, DeviceNode& node) {
    for (const auto& name : names_in(folder / "slaves")) {
      std::error_code error;
      const fs::path slave = fs::canonical(folder / "slaves" / name, error);
      if (error) {
        node.below.push_back({.kind = DeviceKind::unknown_virtual, .name = name, .what = "missing"});
      } else {
        node.below.push_back(TRY(visit(slave, depth + 1)));
      }
    }
    return {};
  }

  // The kernel links each controller of a subsystem in the subsystem's folder (drivers/nvme/host/core.c,
  // nvme_init_subsystem). Which of them has a path to this disk: it has a disk nvmeXcYnZ (hidden, without a
  // number or a node) for nvmeXnZ (nvme_set_disk_name in multipath.c).
  void add_controllers(const fs::path& folder, DeviceNode& node) {
    const auto space = node.name.find('n', 1);  // "nvme0n1": that of the namespace
    for (const auto& name : names_in(folder.parent_path())) {
      std::error_code error;
      const fs::path link = folder.parent_path() / name;
      if (!is_numbered(name, "nvme") || !fs::is_symlink(link, error)) continue;
      const fs::path controller = fs::canonical(link, error);
      if (error) continue;
      DeviceNode path{.kind = DeviceKind::nvme_controller, .name = name, .folder = controller};
      const std::string transport = nvme_transport(sys_, controller);
      if (!is_local_transport(transport)) path.kind = DeviceKind::network;
      path.what = fmt::format("an NVMe controller over {}", transport.empty() ? "PCI" : transport);
      path.leads = space == std::string::npos ||
                   is_there(controller /
                            (node.name.substr(0, space) + "c" + name.substr(4) + node.name.substr(space)));
      node.below.push_back(std::move(path));
    }
    // None of them is seen to lead there (an older kernel): then each may.
    if (std::ranges::none_of(node.below, &DeviceNode::leads))
      for (auto& path : node.below) path.leads = true;
  }

  fs::path sys_;
  int nodes_ = 0;
};

}  // namespace

Result<DeviceNode> device_tree(const std::string& sys, const std::string& device_number) {
  const std::string link = fmt::format("{}/dev/block/{}", sys, device_number);
  std::error_code error;
  const fs::path folder = fs::canonical(link, error), top = fs::canonical(sys, error);
  if (folder.empty() || top.empty()) {
    return std::unexpected(errno_error(error ? error.value() : ENOENT, fmt::format("cannot resolve {}", link))
                               .hint("mount /sys, or name the drivers with --module"));
  }
  return Walk(top).visit(folder, 0);
}

}  // namespace lifeboat
