// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/btrfs.h"

#include <linux/btrfs.h>
#include <sys/ioctl.h>

#include <array>
#include <filesystem>
#include <span>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/sys.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

std::string uuid_text(std::span<const uint8_t, BTRFS_FSID_SIZE> bytes) {
  std::string text;
  for (size_t index = 0; index < bytes.size(); ++index) {
    if (index == 4 || index == 6 || index == 8 || index == 10) text += '-';
    text += fmt::format("{:02x}", bytes[index]);
  }
  return text;
}

}  // namespace

Result<std::string> btrfs_uuid_of(const std::string& folder) {
  const UniqueFd fd = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
  btrfs_ioctl_fs_info_args info{};
  if (sys::ioctl(fd.get(), BTRFS_IOC_FS_INFO, &info) != 0)
    return fail_errno("cannot get the btrfs file system of {}", folder);
  return uuid_text(info.fsid);
}

Result<std::vector<std::string>> btrfs_devices(const std::string& sys, const std::string& uuid) {
  const std::string folder = fmt::format("{}/fs/btrfs/{}/devices", sys, uuid);
  std::vector<std::string> numbers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string file = entry.path() / "dev";
    const auto number = read_line(file);
    if (!number) return fail(ErrorCode::not_found, "cannot read {}", file);
    numbers.push_back(*number);
  }
  if (error) return std::unexpected(errno_error(error.value(), fmt::format("cannot read {}", folder)));
  return numbers;
}

Result<uint64_t> btrfs_device_count(const std::string& device) {
  // struct btrfs_super_block (include/uapi/linux/btrfs_tree.h); all numbers are little-endian.
  constexpr uint64_t kSuper = 64_KiB, kMagicAt = 0x40, kDevicesAt = 0x88;
  constexpr std::string_view kMagic = "_BHRfS_M";
  std::array<std::byte, kDevicesAt + sizeof(uint64_t)> super{};
  const UniqueFd fd = TRY(open_file(device, O_RDONLY));
  TRY_VOID(pread_exact(fd.get(), kSuper, super, device));
  const ByteSpan bytes(super);
  if (as_text(bytes.subspan(kMagicAt, kMagic.size())) != kMagic)
    return fail(ErrorCode::unsupported, "{} has no btrfs superblock at {}", device, format_size(kSuper));
  return load<uint64_t>(bytes, kDevicesAt, device);
}

}  // namespace lifeboat
