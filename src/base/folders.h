// SPDX-License-Identifier: GPL-2.0-or-later
// Creates missing folders and removes files. For paths that no other user can change; the store has its own
// functions (src/store/store.h).
#pragma once

#include <sys/types.h>

#include <string>

#include "src/base/error.h"

namespace lifeboat {

// Creates the folder and its missing parents.
Result<> make_folders(const std::string& path, mode_t mode = 0777);
// Creates the folder of a file.
Result<> make_folder_of(const std::string& file_path);

// A missing file is not an error.
Result<> remove_file(const std::string& path);
Result<> remove_file_at(int dir_fd, const std::string& name);

}  // namespace lifeboat
