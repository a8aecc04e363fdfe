// SPDX-License-Identifier: GPL-2.0-or-later
// The disks of a virtual machine with a whole Debian, made from the image that tools/debian-root.sh builds.
// No privileges, no loop mounts: e2fsprogs writes into the images.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace lifeboat::test {

// What tools/debian-root.sh leaves in a folder.
struct DebianRoot {
  std::filesystem::path folder;
  std::vector<std::string> releases;  // of its kernels, oldest first

  static Result<DebianRoot> open(const std::filesystem::path& folder);
  [[nodiscard]] std::string image() const { return folder / "root.img"; }
  // A disk that boots what the image's /boot/grub/grub.cfg says.
  [[nodiscard]] std::string grub() const { return folder / "grub.img"; }
  // Copies of what is in the image's /boot, for QEMU.
  [[nodiscard]] std::string kernel(const std::string& release) const {
    return folder / "kernels" / ("vmlinuz-" + release);
  }
  [[nodiscard]] std::string initramfs(const std::string& release) const {
    return folder / "kernels" / ("initrd.img-" + release);
  }
};

enum class BootFolder { on_root, own_disk };

// A file of this machine to be put into the guest: a path from the guest's root on, and where it comes from.
struct Addition {
  std::filesystem::path guest;
  std::filesystem::path host;
};
// lifeboat as it was built, its units, and the link kexec: what `cmake --install` would do.
std::vector<Addition> built_programs();

class GuestDisks {
 public:
  // root.img in `folder`, with the test's own files put in (root/) and these; and boot.img, when /boot is to
  // have a disk of its own (the root's /boot is empty then).
  static Result<GuestDisks> create(const DebianRoot& root, BootFolder boot, const std::vector<Addition>& more,
                                   const std::filesystem::path& folder);

  [[nodiscard]] const std::vector<std::string>& images() const { return images_; }
  // Whether each file system is whole and was unmounted (no journal to replay); e2fsck's words when not.
  [[nodiscard]] Result<> check() const;

 private:
  std::vector<std::string> images_;
};

}  // namespace lifeboat::test
