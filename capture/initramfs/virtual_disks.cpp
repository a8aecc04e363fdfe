// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/virtual_disks.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "src/base/file.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "session1": `prefix` and a number.
bool is_numbered(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) && is_number(name.substr(prefix.size()));
}

struct Name {
  std::string_view prefix;
  DeviceKind kind;
  const char* what;
};

// The names that drivers give to block devices (their disk_name), before a number ...
constexpr std::array kNames{
    Name{"loop", DeviceKind::loop, "a loop device"},
    Name{"nbd", DeviceKind::network, "a network block device (nbd)"},
    Name{"rbd", DeviceKind::network, "a Ceph block device (rbd)"},
    Name{"rnbd", DeviceKind::network, "an RDMA network block device (rnbd)"},
    Name{"drbd", DeviceKind::network, "a replicated device (DRBD)"},
    Name{"ram", DeviceKind::memory, "a RAM disk (brd)"},
    Name{"zram", DeviceKind::memory, "a compressed RAM disk (zram)"},
    Name{"nullb", DeviceKind::memory, "a test device without storage (null_blk)"},
    Name{"ublkb", DeviceKind::program, "a device of a user-space server (ublk)"},
    Name{"zd", DeviceKind::program, "a ZFS volume"},
    Name{"pktcdvd", DeviceKind::program, "a CD or DVD in packet mode (pktcdvd)"},
};
// ... and before anything. "!" stands for "/" in /sys.
constexpr std::array kPrefixes{
    Name{"etherd!", DeviceKind::network, "an ATA-over-Ethernet disk (aoe)"},
    Name{"drbd_", DeviceKind::network, "a replicated device (DRBD)"},
    Name{"scini", DeviceKind::network, "a PowerFlex volume (scini)"},
    Name{"emcpower", DeviceKind::program, "a PowerPath device"},
    Name{"VxDMP", DeviceKind::program, "a Veritas device"},
    Name{"VxVM", DeviceKind::program, "a Veritas volume"},
    Name{"zvol", DeviceKind::program, "a ZFS volume"},
};

// Hosts of SCSI disks whose disks are elsewhere, by the name of their driver (scsi_host_template.proc_name,
// .name).
constexpr std::array kHosts{
    Name{"fcoe", DeviceKind::network, "a disk over Fibre Channel over Ethernet (fcoe)"},
    Name{"bnx2fc", DeviceKind::network, "a disk over Fibre Channel over Ethernet (bnx2fc)"},
    Name{"qedf", DeviceKind::network, "a disk over Fibre Channel over Ethernet (qedf)"},
    Name{"ib_srp", DeviceKind::network, "a disk over the RDMA protocol SRP (ib_srp)"},
    Name{"iscsi_tcp", DeviceKind::network, "an iSCSI disk (iscsi_tcp)"},
    Name{"be2iscsi", DeviceKind::network, "an iSCSI disk (be2iscsi)"},
    Name{"bnx2i", DeviceKind::network, "an iSCSI disk (bnx2i)"},
    Name{"cxgb3i", DeviceKind::network, "an iSCSI disk (cxgb3i)"},
    Name{"cxgb4i", DeviceKind::network, "an iSCSI disk (cxgb4i)"},
    Name{"qedi", DeviceKind::network, "an iSCSI disk (qedi)"},
    Name{"qla4xxx", DeviceKind::network, "an iSCSI disk (qla4xxx)"},
    Name{"scsi_debug", DeviceKind::memory, "a test disk in memory (scsi_debug)"},
    Name{"tcm_loop", DeviceKind::program, "a device of the SCSI target core (tcm_loop)"},
};

// Parts of a path in /sys that only such devices have.
constexpr std::array kParts{
    Name{"vhci_hcd", DeviceKind::network, "a USB disk over the network (USB/IP)"},
    Name{"tcm_loop_", DeviceKind::program, "a device of the SCSI target core (tcm_loop)"},
    Name{"pseudo_", DeviceKind::memory, "a test disk in memory (scsi_debug)"},
};

// An attribute of a device, which is in its own folder or in that of its class.
std::string attribute(const std::string& sys, const fs::path& device, const char* kind, const char* name) {
  for (const fs::path& folder :
       {device, device / kind / device.filename(), fs::path(sys) / "class" / kind / device.filename()}) {
    if (auto value = read_line(folder / name)) return *std::move(value);
  }
  return {};
}

std::optional<VirtualDisk> by_host_driver(std::string_view driver) {
  const auto found = std::ranges::find(kHosts, driver, &Name::prefix);
  if (found == kHosts.end()) return std::nullopt;
  return VirtualDisk{found->kind, found->what};
}

// By the parts of the path to it: `folder` is relative to `sys`.
std::optional<VirtualDisk> on_the_way(const std::string& sys, const fs::path& folder) {
  fs::path here = sys;
  std::optional<VirtualDisk> found;
  std::string driver;
  bool iscsi = false, fcoe = false;
  for (const auto& part : folder) {
    here /= part;
    const std::string name = part;
    for (const auto& known : kParts) {
      if (name.starts_with(known.prefix)) return VirtualDisk{known.kind, known.what};
    }
    // A platform device for memory that the command line sets apart; what firmware reports hangs on ACPI.
    if (name.ends_with("_pmem"))
      return VirtualDisk{DeviceKind::memory, "memory that the command line makes a disk (memmap=)"};
    if (is_numbered(name, "host")) driver = attribute(sys, here, "scsi_host", "proc_name");
    // iscsi_session and fcoe_ctlr (scsi_transport_iscsi.c, fcoe_sysfs.c): also of adapters that do all of it
    // in hardware, whose disks need a network that somebody has set up.
    iscsi = iscsi || is_numbered(name, "session");
    fcoe = fcoe || is_numbered(name, "ctlr_");
    // Some hosts have no proc_name.
    std::error_code none;
    if (!found) found = by_host_driver(fs::read_symlink(here / "driver", none).filename().string());
  }
  if (auto known = by_host_driver(driver)) return known;
  const std::string by = driver.empty() || driver.find_first_of("(<") == 0 ? "" : " (" + driver + ")";
  if (iscsi) return VirtualDisk{DeviceKind::network, "an iSCSI disk" + by};
  if (fcoe) return VirtualDisk{DeviceKind::network, "a disk over Fibre Channel over Ethernet" + by};
  return found;
}

bool has_part(const fs::path& folder, const char* name) {
  return std::ranges::find(folder, fs::path(name)) != folder.end();
}

std::optional<VirtualDisk> by_name(const fs::path& folder) {
  const std::string name = folder.filename();
  const auto numbered =
      std::ranges::find_if(kNames, [&](const Name& known) { return is_numbered(name, known.prefix); });
  if (numbered != kNames.end()) {
    VirtualDisk disk{numbered->kind, numbered->what};
    const auto file = read_line(folder / "loop/backing_file");
    if (disk.kind == DeviceKind::loop && file) disk.what += fmt::format(" of the file {}", *file);
    return disk;
  }
  const auto prefixed =
      std::ranges::find_if(kPrefixes, [&](const Name& known) { return name.starts_with(known.prefix); });
  if (prefixed == kPrefixes.end()) return std::nullopt;
  return VirtualDisk{prefixed->kind, prefixed->what};
}

// A controller without a multipath disk has its disks below itself.
std::optional<VirtualDisk> on_nvme(const std::string& sys, const fs::path& folder) {
  const fs::path controller = folder.parent_path();
  if (!is_numbered(controller.filename().string(), "nvme")) return std::nullopt;
  const std::string transport = nvme_transport(sys, controller);
  if (is_local_transport(transport)) return std::nullopt;
  return VirtualDisk{DeviceKind::network, fmt::format("an NVMe disk over {}", transport)};
}

}  // namespace

std::string nvme_transport(const std::string& sys, const fs::path& controller) {
  std::string transport = attribute(sys, controller, "nvme", "transport");
  if (!transport.empty()) return transport;
  return has_part(controller, "nvme-fabrics") ? "fabrics" : "";
}

bool is_local_transport(const std::string& transport) {
  return transport.empty() || transport == "pcie" || transport == "apple-nvme";
}

std::optional<VirtualDisk> virtual_disk(const std::string& sys, const fs::path& folder) {
  const fs::path from_sys = folder.lexically_relative(sys);
  // What the way to it shows counts first: such disks may hang on a real adapter, too.
  if (auto known = on_the_way(sys, from_sys)) return known;
  if (auto known = on_nvme(sys, folder)) return known;
  const bool no_bus = from_sys.string().starts_with("devices/virtual/");
  // rbd has a bus of its own.
  if (!no_bus && !has_part(from_sys.parent_path(), "rbd")) return std::nullopt;
  if (auto known = by_name(folder)) return known;
  return VirtualDisk{DeviceKind::unknown_virtual, "a virtual device that is not known"};
}

}  // namespace lifeboat
