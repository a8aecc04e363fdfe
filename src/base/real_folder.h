// SPDX-License-Identifier: GPL-2.0-or-later
// Where the path of a folder leads, when others may have put something in its way.
#pragma once

#include <optional>
#include <string>

#include "src/base/file.h"

namespace lifeboat {

// A symbolic link on the way is followed when nobody else can have put it there: it is root's, or the
// caller's own, and lies in a folder that only they can write to. At any other link, and at what is no
// folder, the way ends.
struct RealFolder {
  std::string path;               // absolute; without links, as far as the way was gone
  UniqueFd folder;                // of its folders the last that is there (O_PATH)
  std::string missing;            // what comes behind that one; empty: all of it is there
  std::optional<Error> obstacle;  // why the way ended before all that is there was gone through
};
// An Error when the way cannot be looked at (no permission, an I/O error).
Result<RealFolder> find_real_folder(const std::string& path);
// The same for who cannot do with less: the obstacle is an error.
Result<RealFolder> real_folder(const std::string& path);

// Whether nobody but root and the caller can make a path lead elsewhere than it does: each part of it is
// theirs, in folders where others cannot write, or not touch what is not their own (the sticky bit).
bool is_fixed_path(const std::string& path);

}  // namespace lifeboat
