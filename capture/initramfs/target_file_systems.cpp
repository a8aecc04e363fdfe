// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/target_file_systems.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

enum class Why {
  read_only,
  no_permissions,
  network,
  memory,
  fuse,
  pool,
  cluster,
  stacked,
  automount,
  flash,
  member,
};

struct Refused {
  std::string_view type;
  Why why;
};
constexpr std::array kRefused{
    Refused{"squashfs", Why::read_only},
    Refused{"squashfs3", Why::read_only},
    Refused{"iso9660", Why::read_only},
    Refused{"udf", Why::read_only},
    Refused{"erofs", Why::read_only},
    Refused{"cramfs", Why::read_only},
    Refused{"romfs", Why::read_only},
    Refused{"apfs", Why::read_only},
    Refused{"vfat", Why::no_permissions},
    Refused{"msdos", Why::no_permissions},
    Refused{"exfat", Why::no_permissions},
    Refused{"ntfs", Why::no_permissions},
    Refused{"ntfs3", Why::no_permissions},
    Refused{"hfs", Why::no_permissions},
    Refused{"nfs", Why::network},
    Refused{"nfs4", Why::network},
    Refused{"cifs", Why::network},
    Refused{"smb3", Why::network},
    Refused{"ceph", Why::network},
    Refused{"afs", Why::network},
    Refused{"9p", Why::network},
    Refused{"virtiofs", Why::network},
    Refused{"lustre", Why::network},
    Refused{"beegfs", Why::network},
    Refused{"gpfs", Why::network},
    Refused{"pvfs2", Why::network},
    Refused{"tmpfs", Why::memory},
    Refused{"ramfs", Why::memory},
    Refused{"rootfs", Why::memory},
    Refused{"devtmpfs", Why::memory},
    Refused{"hugetlbfs", Why::memory},
    Refused{"fuse", Why::fuse},
    Refused{"fuseblk", Why::fuse},
    Refused{"zfs", Why::pool},
    Refused{"zfs_member", Why::pool},
    Refused{"bcachefs", Why::pool},
    Refused{"gfs2", Why::cluster},
    Refused{"ocfs2", Why::cluster},
    Refused{"aufs", Why::stacked},
    Refused{"ecryptfs", Why::stacked},
    Refused{"unionfs", Why::stacked},
    Refused{"autofs", Why::automount},
    Refused{"ubifs", Why::flash},
    Refused{"jffs2", Why::flash},
    Refused{"swap", Why::member},
    Refused{"bcache", Why::member},
    Refused{"BitLocker", Why::member},
    Refused{"VMFS_volume_member", Why::member},
    Refused{"xfs_external_log", Why::member},
    Refused{"jbd", Why::member},
};

// Written by kernels alone, with owners and permissions, and known to work with a device and a module.
constexpr std::array<std::string_view, 6> kAccepted{"ext4", "xfs", "btrfs", "ext3", "ext2", "f2fs"};

std::string_view reason(Why why) {
  switch (why) {
    case Why::read_only:
      return "Linux cannot write to it";
    case Why::no_permissions:
      return "it keeps no owners and permissions, so every user could read the dump, which contains the "
             "machine's memory";
    case Why::network:
      return "it is reached over a network or by the host, which a capture kernel does not support";
    case Why::memory:
      return "it is in memory, and lost when the machine restarts";
    case Why::fuse:
      return "a program serves it (FUSE), which does not run in a capture kernel";
    case Why::pool:
      return "a capture kernel cannot assemble it: that needs its own tools";
    case Why::cluster:
      return "it needs the lock manager of its cluster, which does not run in a capture kernel";
    case Why::stacked:
      return "it lies on another file system, and a capture kernel cannot assemble it";
    case Why::automount:
      return "the automounter has not mounted it";
    case Why::flash:
      return "it lies on raw flash, not on a disk";
    case Why::member:
      return "that is not a file system to write to";
  }
  return "it cannot be used";
}

constexpr const char* kOtherFileSystem =
    "set [target] path to a folder on ext4, xfs, or btrfs of one device; or create such a file system on a "
    "disk or "
    "partition of its own (mkfs.ext4) and set [target] device to it";

bool is_member(std::string_view type) {
  return type.ends_with("_member") || type.ends_with("_raid") || type.starts_with("crypto_") ||
         type.starts_with("DM_");
}

Error refusal(const std::string& type, const std::string& where, std::string_view why) {
  Error error(ErrorCode::unsupported, fmt::format("a dump cannot be saved on {} ({}): {}", type, where, why));
  return std::move(error).hint(kOtherFileSystem);
}

// xfs: struct xfs_dsb (fs/xfs/libxfs/xfs_format.h), big-endian.
Result<std::string> xfs_elsewhere(int fd, const std::string& device) {
  constexpr size_t kRealtimeBlocks = 16, kLogStart = 48;
  std::array<std::byte, kLogStart + sizeof(uint64_t)> super{};
  TRY_VOID(pread_exact(fd, 0, super, device));
  if (as_text(ByteSpan(super).first(4)) != "XFSB")
    return fail(ErrorCode::unsupported, "{} has no xfs superblock", device);
  const auto is_zero = [&](size_t at) {
    return std::ranges::all_of(ByteSpan(super).subspan(at, sizeof(uint64_t)),
                               [](std::byte byte) { return byte == std::byte{0}; });
  };
  if (is_zero(kLogStart)) return "its log";
  if (!is_zero(kRealtimeBlocks)) return "its realtime section";
  return "";
}

// f2fs: struct f2fs_super_block (include/linux/f2fs_fs.h), packed: devs[8] of a path and a count.
Result<std::string> f2fs_elsewhere(int fd, const std::string& device) {
  constexpr uint64_t kSuper = 1024, kDevices = 2201, kDevice = 64 + 4;
  std::array<std::byte, 4> magic{};
  TRY_VOID(pread_exact(fd, kSuper, magic, device));
  if (TRY(load<uint32_t>(magic, 0, device)) != 0xF2F52010)
    return fail(ErrorCode::unsupported, "{} has no f2fs superblock", device);
  std::array<std::byte, 1> second{};
  TRY_VOID(pread_exact(fd, kSuper + kDevices + kDevice, second, device));
  return second[0] == std::byte{0} ? "" : "some of its data";
}

}  // namespace

Result<> check_file_system(const std::string& type, const std::string& where) {
  if (std::ranges::find(kAccepted, type) != kAccepted.end()) return {};
  const auto known = std::ranges::find(kRefused, type, &Refused::type);
  Why why = Why::member;
  if (known != kRefused.end()) {
    why = known->why;
  } else if (type.starts_with("fuse.")) {
    why = Why::fuse;
  } else if (!is_member(type)) {
    return std::unexpected(refusal(type, where, "that is not known to work without more than its module"));
  }
  Error error = refusal(type, where, reason(why));
  if (why == Why::automount)
    error.fix = fmt::format("mount it (ls {}), or set [target] device and a path from its root on", where);
  return std::unexpected(std::move(error));
}

bool is_same_file_system(const std::string& wanted, const std::string& found) {
  const auto is_ext = [](const std::string& type) {
    return type == "ext2" || type == "ext3" || type == "ext4";
  };
  return wanted == found || (is_ext(wanted) && is_ext(found));
}

Result<std::string> part_elsewhere(const std::string& device, const std::string& type) {
  if (type != "xfs" && type != "f2fs") return "";
  const UniqueFd fd = TRY(open_file(device, O_RDONLY));
  return type == "xfs" ? xfs_elsewhere(fd.get(), device) : f2fs_elsewhere(fd.get(), device);
}

}  // namespace lifeboat
