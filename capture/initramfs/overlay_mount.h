// SPDX-License-Identifier: GPL-2.0-or-later
// Overlay file systems (live systems, some appliances): where what is written to one really goes.
#pragma once

#include <string>

#include "src/base/error.h"
#include "src/mounts/mounts.h"

namespace lifeboat {

// Whether an overlay's folder is the upper one: a folder of an overlay that exists in the upper layer has
// that folder's owner, mode and times (fs/overlayfs/inode.c, ovl_getattr). A path in the options of a mount
// may be that of an initramfs or of another container, and lead elsewhere here.
bool is_upper_of(const std::string& upper, const std::string& overlay_folder);

// The folder of the upper layer of `overlay`, a mount, in which a file of its `folder` (which exists) is
// written. `unsupported`: the overlay is read-only, its upper layer is not visible here, or the folder is in
// a lower layer only (the fix is a command that brings it up).
Result<std::string> folder_in_upper(const Mount& overlay, const std::string& folder,
                                    bool (*same)(const std::string&, const std::string&) = is_upper_of);

}  // namespace lifeboat
