// SPDX-License-Identifier: GPL-2.0-or-later
// Names in folders: folders made where they are missing, files removed. For paths that nobody else can bend;
// the store has its own (src/store/store.h).
#pragma once

#include <sys/types.h>

#include <string>

#include "src/base/error.h"

namespace lifeboat {

// The folder and those on the way to it, as far as they are missing.
Result<> make_folders(const std::string& path, mode_t mode = 0777);
// The folder that a file is to lie in.
Result<> make_folder_of(const std::string& file_path);

// One that is not there is removed already.
Result<> remove_file(const std::string& path);
Result<> remove_file_at(int dir_fd, const std::string& name);

}  // namespace lifeboat
