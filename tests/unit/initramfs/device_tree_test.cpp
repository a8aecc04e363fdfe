// SPDX-License-Identifier: GPL-2.0-or-later
// What a block device consists of, whether a capture kernel reaches it, and by which drivers.
#include "capture/initramfs/device_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/initramfs/device_drivers.h"
#include "tests/support/fake_sys.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::FakeSys;
using test::why;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kNumber = "254:0";
constexpr const char* kHead = "virtual/nvme-subsystem/nvme-subsys0/nvme0n1";

class DeviceTree : public testing::Test {
 protected:
  DeviceNode tree() const {
    auto tree = device_tree(sys_.path(), kNumber);
    EXPECT_TRUE(tree) << why(tree);
    return tree ? *std::move(tree) : DeviceNode{};
  }
  Result<> reachable(const std::string& device = "/dev/target") const {
    return check_reachable(tree(), device);
  }
  std::vector<std::string> drivers() const { return all_drivers(driver_ways(sys_.path(), tree())); }
  // Refused, with a message that has `text`, and advice.
  void expect_refused(DeviceKind kind, const std::string& text) const {
    const auto refused = reachable();
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
    EXPECT_THAT(refused.error().message, HasSubstr(text));
    EXPECT_THAT(refused.error().message, HasSubstr("/dev/target"));
    EXPECT_THAT(refused.error().fix, HasSubstr("[target] path"));
    DeviceNode node = tree();
    while (node.kind == DeviceKind::partition) node = DeviceNode(node.below.at(0));
    EXPECT_EQ(node.kind, kind) << text;
  }
  FakeSys sys_;
};

// --- Disks of a bus.

TEST_F(DeviceTree, APartitionLiesOnItsDisk) {
  sys_.block("pci0000:00/0000:00:05.0/host0/target0:0:0/0:0:0:0/block/sda", "8:0");
  sys_.partition("pci0000:00/0000:00:05.0/host0/target0:0:0/0:0:0:0/block/sda/sda1", kNumber);
  const DeviceNode node = tree();
  EXPECT_EQ(node.kind, DeviceKind::partition);
  EXPECT_EQ(node.name, "sda1");
  ASSERT_EQ(node.below.size(), 1U);
  EXPECT_EQ(node.below[0].kind, DeviceKind::disk);
  EXPECT_EQ(node.below[0].name, "sda");
  EXPECT_TRUE(reachable());
}

TEST_F(DeviceTree, DisksOfEveryBusAreReached) {
  for (const char* disk :
       {"pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb",
        "pci0000:00/0000:00:1a.0/mmc_host/mmc0/mmc0:0001/block/mmcblk0",
        "pci0000:00/0000:00:05.0/virtio1/block/vda",
        "pci0000:00/0000:00:02.0/host7/rport-7:0-0/target7:0:0/7:0:0:1/block/sdc", "vbd-51712/block/xvda",
        "LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00/ndbus0/region0/namespace0.0/block/pmem0",
        "pci0000:00/0000:00:0e.0/nvme/nvme0/nvme0n1", "pci0000:00/0000:00:03.0/cciss0/c0d0/block/cciss!c0d0",
        "platform/floppy.0/block/fd0"}) {
    sys_.block(disk, kNumber);
    EXPECT_TRUE(reachable()) << disk;
    EXPECT_EQ(tree().kind, DeviceKind::disk) << disk;
  }
}

TEST_F(DeviceTree, ADeviceThatTheKernelDoesNotReportIsAnError) {
  EXPECT_EQ(code_of(device_tree(sys_.path(), "9:9")), ErrorCode::not_found);
  EXPECT_EQ(code_of(device_tree("/none", "9:9")), ErrorCode::not_found);
}

// --- NVMe with a path through each of several controllers.

TEST_F(DeviceTree, NvmeMultipathHasADriverForEachPath) {
  sys_.block(kHead, kNumber);
  sys_.folder(std::string("devices/") + kHead + "/slaves");
  sys_.nvme_controller("0000:00:0e.0", "nvme0");
  sys_.nvme_controller("0000:00:0f.0", "nvme1", "nvme_apple");
  sys_.bind("pci0000:00", "vmd");
  EXPECT_EQ(tree().kind, DeviceKind::nvme_subsystem);
  EXPECT_TRUE(reachable());
  EXPECT_THAT(drivers(), ElementsAre("vmd", "nvme", "nvme_apple"));
  const auto ways = driver_ways(sys_.path(), tree());
  ASSERT_EQ(ways.size(), 2U);
  EXPECT_EQ(ways[1].device, "nvme1");
}

TEST_F(DeviceTree, APartitionOfNvmeMultipathToo) {
  sys_.block(kHead, "254:9");
  sys_.partition(std::string(kHead) + "/nvme0n1p2", kNumber);
  sys_.nvme_controller("0000:00:0e.0", "nvme0");
  EXPECT_TRUE(reachable());
  EXPECT_THAT(drivers(), ElementsAre("nvme"));
}

TEST_F(DeviceTree, NvmeWithoutAControllerIsNotThereNow) {
  sys_.block(kHead, kNumber);
  EXPECT_EQ(code_of(reachable()), ErrorCode::not_found);
  // A link to a controller that is gone, a namespace, and something else.
  const auto subsystem = sys_.device("virtual/nvme-subsystem/nvme-subsys0");
  std::filesystem::create_symlink("/none", subsystem / "nvme7");
  std::filesystem::create_symlink(sys_.path(), subsystem / "nvmex");
  sys_.folder("devices/virtual/nvme-subsystem/nvme-subsys0/nvme1");
  EXPECT_EQ(code_of(reachable()), ErrorCode::not_found);
}

TEST_F(DeviceTree, NvmeOverANetworkIsRefusedByItsTransport) {
  sys_.block(kHead, kNumber);
  sys_.fabrics_controller("nvme0", "tcp");
  sys_.fabrics_controller("nvme1", "rdma");
  const auto refused = reachable();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("NVMe controller over tcp"));
}

TEST_F(DeviceTree, APathOnTheMachinesBusIsEnough) {
  sys_.block(kHead, kNumber);
  sys_.fabrics_controller("nvme0", "tcp");
  sys_.nvme_controller("0000:00:0e.0", "nvme1");
  EXPECT_TRUE(reachable());
  EXPECT_THAT(drivers(), ElementsAre("nvme"));
  // A controller of the same subsystem that does not have this disk.
  sys_.folder("devices/virtual/nvme-fabrics/ctl/nvme0/nvme0c0n1");
  EXPECT_EQ(code_of(reachable()), ErrorCode::unsupported);
  sys_.folder("devices/pci0000:00/0000:00:0e.0/nvme/nvme1/nvme0c1n1");
  EXPECT_TRUE(reachable());
}

TEST_F(DeviceTree, NvmeWithoutMultipathIsJudgedByItsTransport) {
  for (const char* transport : {"tcp", "rdma", "fc", "loop", "something-new"}) {
    sys_.block("virtual/nvme-fabrics/ctl/nvme0/nvme0n1", kNumber);
    sys_.put("devices/virtual/nvme-fabrics/ctl/nvme0/transport", std::string(transport) + "\n");
    expect_refused(DeviceKind::network, transport);
  }
  std::filesystem::remove(sys_.device("virtual/nvme-fabrics/ctl/nvme0/transport"));
  expect_refused(DeviceKind::network, "NVMe disk over fabrics");
  // The class has it too, whatever the device's own folder is.
  sys_.block("platform/x/nvme2/nvme2n1", kNumber);
  EXPECT_TRUE(reachable());
  sys_.put("class/nvme/nvme2/transport", "tcp\n");
  expect_refused(DeviceKind::network, "NVMe disk over tcp");
  sys_.put("class/nvme/nvme2/transport", "apple-nvme\n");
  EXPECT_TRUE(reachable());
}

// --- Devices made of others.

TEST_F(DeviceTree, WhatTheKernelBuildsFromOthersIsRefused) {
  sys_.block("pci0000:00/0000:00:05.0/block/sda", "8:0");
  sys_.partition("pci0000:00/0000:00:05.0/block/sda/sda3", "8:3");
  sys_.block("virtual/block/md127", kNumber);
  sys_.stack("virtual/block/md127", "pci0000:00/0000:00:05.0/block/sda/sda3");
  sys_.put("devices/virtual/block/md127/md/level", "raid1\n");
  expect_refused(DeviceKind::raid, "a RAID array (raid1) (of sda3)");
  const DeviceNode node = tree();
  ASSERT_EQ(node.below.size(), 1U);
  EXPECT_EQ(node.below[0].kind, DeviceKind::partition);
  EXPECT_EQ(node.below[0].below.at(0).name, "sda");
  // A partition of it has no slaves.
  sys_.partition("virtual/block/md127/md127p1", kNumber);
  expect_refused(DeviceKind::raid, "/dev/target is on md127, a RAID array (raid1)");
  sys_.put("devices/virtual/block/md127/md127p1/uevent", "DEVNAME=md127p1\nDEVTYPE=partition\n");
  std::filesystem::remove(sys_.device("virtual/block/md127/md127p1/partition"));
  expect_refused(DeviceKind::raid, "RAID array");
}

TEST_F(DeviceTree, AnArrayWithoutMembersOrFolderIsKnownByItsName) {
  for (const auto& [name, kind] : {std::pair{"md0", DeviceKind::raid},
                                   {"md_d5", DeviceKind::raid},
                                   {"dm-7", DeviceKind::device_mapper},
                                   {"bcache3", DeviceKind::bcache}}) {
    sys_.block(std::string("virtual/block/") + name, kNumber);
    expect_refused(kind, name);
  }
}

TEST_F(DeviceTree, DeviceMapperIsNamedByWhoMadeTheDevice) {
  struct Known {
    const char* uuid;
    DeviceKind kind;
    const char* text;
  };
  for (const auto& [uuid, kind, text] : {
           Known{"LVM-abcdef", DeviceKind::lvm, "a logical volume of LVM (vg-root)"},
           Known{"CRYPT-LUKS2-x-root", DeviceKind::crypt, "an encrypted device (vg-root)"},
           Known{"CRYPT-VERITY-x", DeviceKind::device_mapper, "verity"},
           Known{"mpath-3600", DeviceKind::multipath, "a multipath device"},
           Known{"part2-mpath-3600", DeviceKind::multipath,
                 "a partition (by device mapper) of a multipath device"},
           Known{"part12-LVM-x", DeviceKind::lvm, "a partition (by device mapper) of a logical volume"},
           Known{"stratis-1-private-x", DeviceKind::device_mapper, "a Stratis volume"},
           Known{"DMRAID-x", DeviceKind::device_mapper, "BIOS RAID"},
           Known{"partition", DeviceKind::device_mapper, "a device of device mapper (vg-root)"},
           Known{"", DeviceKind::device_mapper, "a device of device mapper (vg-root)"},
       }) {
    sys_.block("virtual/block/dm-0", kNumber);
    sys_.put("devices/virtual/block/dm-0/dm/uuid", std::string(uuid) + "\n");
    sys_.put("devices/virtual/block/dm-0/dm/name", "vg-root\n");
    expect_refused(kind, text);
  }
}

TEST_F(DeviceTree, AnyDeviceWithOthersBelowItIsRefused) {
  sys_.block("pci0000:00/0000:00:05.0/block/weird", kNumber);
  sys_.folder("devices/pci0000:00/0000:00:05.0/block/weird/slaves");
  EXPECT_TRUE(reachable());
  std::filesystem::create_symlink("/none", sys_.device("pci0000:00/0000:00:05.0/block/weird/slaves/sdz"));
  expect_refused(DeviceKind::stacked, "(of sdz)");
}

TEST_F(DeviceTree, ALoopEnds) {
  sys_.block("virtual/block/dm-0", kNumber);
  sys_.block("virtual/block/dm-1", "254:1");
  sys_.stack("virtual/block/dm-0", "virtual/block/dm-1");
  sys_.stack("virtual/block/dm-1", "virtual/block/dm-0");
  EXPECT_EQ(code_of(device_tree(sys_.path(), kNumber)), ErrorCode::corrupt);
}

TEST_F(DeviceTree, AWebOfDevicesEnds) {
  // Each on all of the next row: 8 to the power of the rows.
  const auto name = [](int row, int column) { return fmt::format("virtual/block/dm-{}", row * 8 + column); };
  for (int row = 0; row < 10; ++row) {
    for (int column = 0; column < 8; ++column) {
      sys_.block(name(row, column), fmt::format("254:{}", row * 8 + column));
      if (row == 0) continue;
      for (int above = 0; above < 8; ++above) sys_.stack(name(row - 1, above), name(row, column));
    }
  }
  EXPECT_EQ(code_of(device_tree(sys_.path(), kNumber)), ErrorCode::corrupt);
}

// --- What looks like a disk.

TEST_F(DeviceTree, DevicesWithoutABusAreRefusedByTheirNames) {
  for (const auto& [name, kind, text] : {
           std::tuple{"nbd0", DeviceKind::network, "network block device"},
           {"nbd12", DeviceKind::network, "network block device"},
           {"rbd0", DeviceKind::network, "Ceph"},
           {"rnbd0", DeviceKind::network, "rnbd"},
           {"drbd1", DeviceKind::network, "DRBD"},
           {"etherd!e1.1", DeviceKind::network, "aoe"},
           {"scinia", DeviceKind::network, "PowerFlex"},
           {"ram3", DeviceKind::memory, "RAM disk"},
           {"zram0", DeviceKind::memory, "zram"},
           {"nullb0", DeviceKind::memory, "null_blk"},
           {"loop7", DeviceKind::loop, "a loop device"},
           {"ublkb0", DeviceKind::program, "ublk"},
           {"zd16", DeviceKind::program, "ZFS"},
           {"pktcdvd0", DeviceKind::program, "pktcdvd"},
           {"emcpowera", DeviceKind::program, "PowerPath"},
           {"brandnew0", DeviceKind::unknown_virtual, "brandnew0, a virtual device that is not known"},
           {"nbdx", DeviceKind::unknown_virtual, "not known"},
           {"ramdisk", DeviceKind::unknown_virtual, "not known"},
       }) {
    const std::string disk = std::string("virtual/block/") + name;
    sys_.block(disk, kNumber);
    sys_.folder("devices/" + disk + "/slaves");
    expect_refused(kind, text);
    sys_.partition(disk + "/" + name + "p1", kNumber);
    expect_refused(kind, text);
  }
}

TEST_F(DeviceTree, ALoopDeviceIsNamedWithItsFile) {
  sys_.block("virtual/block/loop0", kNumber);
  sys_.put("devices/virtual/block/loop0/loop/backing_file", "/data/crash.img\n");
  expect_refused(DeviceKind::loop, "a loop device of the file /data/crash.img");
}

TEST_F(DeviceTree, DisksOnABusOfANetworkAreRefused) {
  const std::string disk = "target2:0:0/2:0:0:1/block/sda";
  struct Known {
    std::string folder;
    const char* proc_name;
    DeviceKind kind;
    const char* text;
  };
  for (const auto& [folder, proc_name, kind, text] : {
           Known{"platform/host2/session1", "iscsi_tcp", DeviceKind::network, "iSCSI disk (iscsi_tcp)"},
           Known{"platform/host2/session1", "", DeviceKind::network, "an iSCSI disk"},
           Known{"pci0000:00/0000:00:09.0/host2/session1", "iscsi_iser", DeviceKind::network,
                 "an iSCSI disk (iscsi_iser)"},
           Known{"pci0000:00/0000:00:09.0/host2/session1", "(null)", DeviceKind::network, "an iSCSI disk"},
           // Adapters that do it in hardware; without a session in the path, too.
           Known{"pci0000:00/0000:00:09.0/host2", "be2iscsi", DeviceKind::network, "iSCSI disk (be2iscsi)"},
           Known{"pci0000:00/0000:00:09.0/host2", "qla4xxx", DeviceKind::network, "iSCSI disk (qla4xxx)"},
           Known{"pci0000:00/0000:00:03.0/net/eth0/ctlr_0/host2/rport-2:0-0", "", DeviceKind::network,
                 "Fibre Channel over Ethernet"},
           Known{"pci0000:00/0000:00:03.0/host2/rport-2:0-0", "bnx2fc", DeviceKind::network, "bnx2fc"},
           Known{"pci0000:00/0000:00:03.0/host2", "ib_srp", DeviceKind::network, "SRP"},
           Known{"platform/vhci_hcd.0/usb3/3-1/3-1:1.0/host2", "usb-storage", DeviceKind::network, "USB/IP"},
           Known{"pseudo_0/adapter0/host2", "scsi_debug", DeviceKind::memory, "scsi_debug"},
           Known{"tcm_loop_0/tcm_loop_adapter_0/host2", "", DeviceKind::program, "tcm_loop"},
       }) {
    sys_.block(fmt::format("{}/{}", folder, disk), kNumber);
    const std::string host = folder.substr(0, folder.find("/host2")) + "/host2";
    if (*proc_name != '\0')
      sys_.put("devices/" + host + "/scsi_host/host2/proc_name", std::string(proc_name) + "\n");
    expect_refused(kind, text);
    std::filesystem::remove_all(sys_.device(host) / "scsi_host");
  }
  // By the class alone; and a host that does not report its driver.
  sys_.block("pci0000:00/0000:00:0a.0/host3/" + disk, kNumber);
  EXPECT_TRUE(reachable());
  sys_.put("class/scsi_host/host3/proc_name", "qedi\n");
  expect_refused(DeviceKind::network, "qedi");
  sys_.put("class/scsi_host/host3/proc_name", "(null)\n");
  sys_.bind("pci0000:00/0000:00:0a.0", "qedf");
  expect_refused(DeviceKind::network, "qedf");
}

TEST_F(DeviceTree, OtherPlacesThatAreNotADisk) {
  sys_.block("rbd/0/block/rbd0", kNumber);
  expect_refused(DeviceKind::network, "Ceph");
  sys_.block("platform/firmware_pmem/ndbus0/region0/namespace0.0/block/pmem0", kNumber);
  expect_refused(DeviceKind::memory, "memmap=");
  sys_.block("virtual/vduse/x/virtio3/block/vdc", kNumber);
  expect_refused(DeviceKind::unknown_virtual, "vdc");
}

TEST_F(DeviceTree, ADeviceThatIsTheTargetItselfIsNamedOnce) {
  sys_.block("virtual/block/nbd0", kNumber);
  EXPECT_THAT(reachable("/dev/nbd0").error().message, HasSubstr("/dev/nbd0 is a network block device"));
}

// --- What shows that there is a driver.

class DriverSigns : public DeviceTree {
 protected:
  std::vector<DriverSign> signs() const {
    std::vector<DriverSign> signs;
    for (const auto& way : driver_ways(sys_.path(), tree()))
      signs.insert(signs.end(), way.signs.begin(), way.signs.end());
    return signs;
  }
};

TEST_F(DriverSigns, AreThoseOfTheAdapter) {
  const std::string adapter = "pci0000:00/0000:00:05.0", unit = adapter + "/host0/target0:0:0/0:0:0:0";
  sys_.block(unit + "/block/sda", kNumber);
  EXPECT_THAT(signs(), IsEmpty());
  // A driver of disks does not lead to one, nor does a bridge.
  sys_.bind(unit, "sd_mod");
  sys_.put("devices/" + unit + "/modalias", "scsi:t-0x00\n");
  sys_.bind_built_in("pci0000:00", "pcieport");
  sys_.put("devices/pci0000:00/modalias", "pci:v00008086d00001901sv0sd0bc06sc04i00\n");
  EXPECT_THAT(signs(), IsEmpty());
  sys_.put("devices/" + adapter + "/modalias", "pci:v00008086d00002922bc01sc06i01\n");
  EXPECT_THAT(signs(), ElementsAre(DriverSign{SignKind::alias, "pci:v00008086d00002922bc01sc06i01"}));
  sys_.bind_built_in(adapter, "ahci");
  EXPECT_THAT(signs(), Contains(DriverSign{SignKind::built_in, "ahci"}));
  EXPECT_THAT(signs(), Contains(DriverSign{SignKind::alias, "pci:v00008086d00002922bc01sc06i01"}));
  sys_.bind(adapter, "ahci");
  EXPECT_THAT(signs(), ElementsAre(DriverSign{SignKind::module, "ahci"}));
}

TEST_F(DriverSigns, OfEachPath) {
  sys_.block(kHead, kNumber);
  sys_.nvme_controller("0000:00:0e.0", "nvme0");
  sys_.nvme_controller("0000:00:0f.0", "nvme1");
  std::filesystem::remove(sys_.device("pci0000:00/0000:00:0f.0/driver"));
  const auto ways = driver_ways(sys_.path(), tree());
  ASSERT_EQ(ways.size(), 2U);
  EXPECT_THAT(ways[0].signs, Not(IsEmpty()));
  EXPECT_THAT(ways[1].signs, IsEmpty());
}

}  // namespace
}  // namespace lifeboat
