// SPDX-License-Identifier: GPL-2.0-or-later
// Disk images with an ext4 file system, filled and emptied without mounting them: by e2fsprogs.
#pragma once

#include <string>

#include "src/base/error.h"

namespace lifeboat::rehearse {

// `not_found` when mke2fs or debugfs is missing, with what to install.
Result<> check_disk_tools();

// A sparse raw image of `size` bytes whose file system has the given UUID and holds what is in `folder`.
Result<> make_disk(const std::string& image, uint64_t size, const std::string& uuid,
                   const std::string& folder);

// Copies a folder of the image, with everything below it, into the existing folder `dest` (as dest/NAME).
// `not_found` when the image has no such folder.
Result<> extract_folder(const std::string& image, const std::string& path, const std::string& dest);

// Whether the file system is clean; e2fsck's output when not.
Result<> check_disk(const std::string& image);

}  // namespace lifeboat::rehearse
