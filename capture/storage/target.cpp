// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/storage/target.h"

#include <blkid/blkid.h>
#include <strings.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "capture/plan/file_system_root.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/sys.h"

namespace lifeboat::capture {
namespace {

// The UUID of the file system on a device; nothing when there is none, or the device does not respond.
std::optional<std::string> file_system_uuid(const std::string& device) {
  const std::unique_ptr<blkid_struct_probe, decltype(&blkid_free_probe)> probe(
      blkid_new_probe_from_filename(device.c_str()), blkid_free_probe);
  if (!probe) return std::nullopt;
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_UUID | BLKID_SUBLKS_TYPE);
  const char* uuid = nullptr;
  if (blkid_do_safeprobe(probe.get()) != 0 ||
      blkid_probe_lookup_value(probe.get(), "UUID", &uuid, nullptr) != 0 || uuid == nullptr)
    return std::nullopt;
  return uuid;
}

std::vector<std::string> block_devices() {
  std::vector<std::string> devices;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/class/block", error)) {
    const std::string name = entry.path().filename();
    // These are never a target, and probing them takes time.
    if (name.starts_with("loop") || name.starts_with("ram") || name.starts_with("zram")) continue;
    // A path of NVMe's multipath (nvme0c1n1): no node is made of it, the disk above it has one (nvme0n1).
    if (read_line(entry.path() / "hidden") == "1") continue;
    devices.push_back("/dev/" + name);
  }
  return devices;
}

}  // namespace

Result<std::string> wait_for_device(const std::string& uuid, std::chrono::seconds deadline,
                                    Heartbeat& heartbeat) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::vector<std::string> devices;
  do {
    devices = block_devices();
    for (const auto& device : devices) {
      // A device that does not respond may take a minute, and is not the target.
      heartbeat.beat();
      const auto found = file_system_uuid(device);
      if (found && strcasecmp(found->c_str(), uuid.c_str()) == 0) return device;
    }
    heartbeat.beat();
    ::usleep(50'000);
  } while (std::chrono::steady_clock::now() < end);

  std::string seen;
  for (const auto& device : devices) seen += " " + device;
  return std::unexpected(
      Error(ErrorCode::timeout,
            fmt::format("no device with the file system {} appeared within {} s; block devices:{}", uuid,
                        deadline.count(), seen.empty() ? " none" : seen))
          .hint("rebuild the initramfs on the running system, with the driver of that device"));
}

Result<> mount_target(const Target& target, std::chrono::seconds device_deadline, Heartbeat& heartbeat) {
  const std::string device = TRY(wait_for_device(target.uuid, device_deadline, heartbeat));
  heartbeat.beat();
  if (sys::mkdirat(AT_FDCWD, kMountPoint, 0755) != 0 && errno != EEXIST)
    return fail_errno("cannot make the folder {}", kMountPoint);
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME;
  const auto option = option_for_root(target.filesystem);
  const std::string data = option ? fmt::format("{}={}", option->name, option->value) : "";
  if (sys::mount(device.c_str(), kMountPoint, target.filesystem.c_str(), kFlags, data.c_str()) != 0)
    return fail_errno("cannot mount {} ({}) on {}", device, target.filesystem, kMountPoint);
  log::info("target: {} ({}, {})", device, target.filesystem, target.uuid);
  return {};
}

Result<> unmount_target() {
  sys::sync();
  for (int attempt = 0; attempt < 20; ++attempt) {
    if (sys::umount(kMountPoint, UMOUNT_NOFOLLOW) == 0 || errno == EINVAL) return {};  // EINVAL: not mounted
    if (errno != EBUSY) break;
    ::usleep(100'000);
  }
  const int error = errno;
  if (sys::mount(nullptr, kMountPoint, nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0) return {};
  return std::unexpected(errno_error(error, fmt::format("cannot unmount {}", kMountPoint)));
}

}  // namespace lifeboat::capture
