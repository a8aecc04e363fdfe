// SPDX-License-Identifier: GPL-2.0-or-later
// Where a file is that a boot loader names. Boot loaders know file systems, not mount points: a path begins
// at the root of a file system, which may be mounted elsewhere, in parts (a subvolume of btrfs, a bind
// mount), or not at all. The table of mounts says where; a file that it does not lead to is looked for below
// the folder of the configuration, as the boot loaders' own tools lay it out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/mounts/mounts.h"

namespace lifeboat {

struct BootPaths;

// The file system that a path is on, as a boot loader names it.
struct BootDevice {
  enum class Kind {
    configuration,  // that of the configuration
    uuid,           // the file system with this UUID
    label,          // the file system with this label
    unknown,        // by a name that only the firmware knows: "hd0,gpt2"
  };
  Kind kind = Kind::configuration;
  std::string name;
};

class BootFiles {
 public:
  enum class What { file, folder };
  struct Found {
    std::string path;
    // False: the device, or the part of the path in front of /boot, is not known here. The file was looked
    // for on the file system of the configuration.
    bool certain = true;
  };

  // `folder`: below which the configuration lies, one of BootPaths::roots.
  BootFiles(const BootPaths& paths, std::string folder);

  [[nodiscard]] const std::string& folder() const { return folder_; }
  // `not_found`, with the reason: no such file, or its file system is not mounted. ".." ends at the root of
  // the file system; EFI's backslashes are slashes.
  [[nodiscard]] Result<Found> find(const BootDevice& device, std::string_view path,
                                   What what = What::file) const;
  // The same on the file system of the configuration; when it is not there, where it would be below the
  // folder.
  [[nodiscard]] std::string locate(std::string_view path) const;
  // Whether the machine has that file system; nullopt: its devices are not known.
  [[nodiscard]] std::optional<bool> is_there(const BootDevice& device) const;

 private:
  [[nodiscard]] std::vector<const Mount*> mounts_of(const BootDevice& device) const;
  [[nodiscard]] std::optional<std::string> device_file(const BootDevice& device) const;
  [[nodiscard]] bool is_source(const Mount& mount, const BootDevice& device, const std::string& file) const;

  std::string folder_;
  std::string real_folder_;  // without symbolic links: as the table of mounts has it
  std::vector<std::string> roots_;
  std::string sys_;
  std::string disks_;  // /dev/disk
  std::vector<Mount> mounts_;
};

}  // namespace lifeboat
