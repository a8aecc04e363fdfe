// SPDX-License-Identifier: GPL-2.0-or-later
// The disks of a virtual machine with a whole Debian, made from the image that tools/debian-root.sh builds.
// No privileges, no loop mounts: e2fsprogs writes into the images.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "src/base/error.h"

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
  // .debs to be put into the machine: a folder's name, as EXTRA in tools/debian-root.sh has it, or "kernels".
  [[nodiscard]] std::filesystem::path packages(const std::string& name) const {
    return folder / "packages" / name;
  }
};

// A folder of the guest that gets a disk of its own, mounted by /etc/fstab; what the root has there moves to
// it.
struct OwnDisk {
  std::string folder;
  std::string size = "512M";  // as mke2fs takes it
  std::string options = "defaults";
};

// A file of this machine to be put into the guest: a path from the guest's root on, and where it comes from.
struct Addition {
  std::filesystem::path guest;
  std::filesystem::path host;
};
// lifeboat as it was built, its units, and the link kexec: what `cmake --install` would do.
std::vector<Addition> built_programs();
// All that lies below a folder of this machine.
std::vector<Addition> files_below(const std::filesystem::path& folder, const std::filesystem::path& guest);

class GuestDisks {
 public:
  // root.img in `folder`, with the test's own files put in (root/) and these: /dev/vda; then an image for
  // each of `own`: /dev/vdb and so on.
  static Result<GuestDisks> create(const DebianRoot& root, const std::vector<OwnDisk>& own,
                                   const std::vector<Addition>& more, const std::filesystem::path& folder);

  [[nodiscard]] const std::vector<std::string>& images() const { return images_; }
  // Whether each file system is whole and was unmounted (no journal to replay); e2fsck's words when not.
  [[nodiscard]] Result<> check() const;

 private:
  std::vector<std::string> images_;
};

}  // namespace lifeboat::test
