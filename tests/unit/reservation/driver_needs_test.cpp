// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/driver_needs.h"

#include <gtest/gtest.h>

#include <set>

#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

TEST(DriverNeeds, EveryRowHasASource) {
  std::set<std::string_view> names;
  for (const auto& need : driver_needs()) {
    EXPECT_TRUE(names.insert(need.name).second) << need.name;
    EXPECT_EQ(need.name.find('-'), std::string_view::npos) << need.name;
    EXPECT_FALSE(need.source.empty()) << need.name;
    EXPECT_GE(need.bytes, 1_MiB) << need.name;
    EXPECT_LE(need.bytes, 256_MiB) << need.name;
  }
}

TEST(DriverNeeds, KindsByTheFolder) {
  const auto kind = [](const char* path) { return driver_kind(path); };
  EXPECT_EQ(kind("/lib/modules/6.1/kernel/drivers/scsi/new/new.ko.xz"), DriverKind::storage);
  EXPECT_EQ(kind("kernel/drivers/nvme/host/nvme.ko"), DriverKind::storage);
  EXPECT_EQ(kind("kernel/drivers/net/ethernet/x/x.ko"), DriverKind::network);
  EXPECT_EQ(kind("kernel/drivers/pci/x.ko"), DriverKind::other);
  EXPECT_EQ(kind("kernel/fs/ext4/ext4.ko"), DriverKind::other);
  // Another vendor's may be anything.
  for (const char* path : {"/lib/modules/6.1/updates/dkms/x.ko", "/lib/modules/6.1/extra/x.ko", "x.ko"})
    EXPECT_EQ(kind(path), DriverKind::storage) << path;
  EXPECT_EQ(kind(""), DriverKind::other);
}

TEST(DriverNeeds, AnUnknownOneCountsByItsKind) {
  EXPECT_EQ(driver_use("brand-new", "kernel/drivers/scsi/brand-new.ko", 5).bytes, 16_MiB);
  EXPECT_EQ(driver_use("brand-new", "kernel/drivers/net/brand-new.ko", 5).bytes, 16_MiB);
  EXPECT_EQ(driver_use("brand-new", "/lib/modules/1/extra/brand-new.ko", 5).bytes, 16_MiB);
  EXPECT_EQ(driver_use("some_bus", "kernel/drivers/bus/some_bus.ko", 5).bytes, 1_MiB);
  EXPECT_EQ(driver_use("some_bus", "", 5).bytes, 1_MiB);
  EXPECT_EQ(driver_use("brand-new", "", 5).memory, 5U);
}

TEST(DriverNeeds, AKnownOneCountsByTheTable) {
  EXPECT_EQ(driver_use("virtio_blk", "kernel/drivers/block/virtio_blk.ko", 0).bytes, 1_MiB);
  EXPECT_EQ(driver_use("usb-storage", "kernel/drivers/usb/storage/usb-storage.ko", 0).bytes, 1_MiB)
      << "the same name";
  EXPECT_GT(driver_use("mlx5_core", "", 0).bytes, 124_MiB);
  EXPECT_GE(driver_use("mpt3sas", "", 0).bytes, 16_MiB);
  EXPECT_GT(driver_use("vmw_pvscsi", "", 0).bytes, 4_MiB) << "a page for each of 1024 requests";
  EXPECT_GT(driver_use("r8169", "", 0).bytes, 4_MiB) << "256 buffers of 16 KiB";
}

}  // namespace
}  // namespace lifeboat::reservation
