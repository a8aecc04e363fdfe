// SPDX-License-Identifier: GPL-2.0-or-later
// Resolves the path of a folder safely where other users may have placed symbolic links.
#pragma once

#include <optional>
#include <string>

#include "src/base/file.h"

namespace lifeboat {

// A symbolic link is followed only if no other user can have created it: it belongs to root or the caller,
// and is in a folder that only they can write to. Any other link, and anything that is not a folder, ends
// the resolution.
struct RealFolder {
  std::string path;               // absolute; without links, as far as it was resolved
  UniqueFd folder;                // the last existing folder of the path (O_PATH)
  std::string missing;            // the rest of the path; empty: all of it exists
  std::optional<Error> obstacle;  // why the resolution ended before the last existing folder
};
// An Error when a part of the path cannot be examined (no permission, an I/O error).
Result<RealFolder> find_real_folder(const std::string& path);
// The same for callers that need all of the path: the obstacle is an error.
Result<RealFolder> real_folder(const std::string& path);

// Whether only root and the caller can change the target of a path: each part of it belongs to them, in
// folders where others cannot write, or cannot change files of others (the sticky bit).
bool is_fixed_path(const std::string& path);

}  // namespace lifeboat
