// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/folders.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>

#include "src/base/sys.h"

namespace lifeboat {

Result<> make_folders(const std::string& path, mode_t mode) {
  std::error_code ignored;
  if (path.empty() || std::filesystem::is_directory(path, ignored)) return {};
  const std::string parent = std::filesystem::path(path).parent_path();
  if (parent != path) TRY_VOID(make_folders(parent, mode));
  if (sys::mkdirat(AT_FDCWD, path.c_str(), mode) != 0 && errno != EEXIST)
    return fail_errno("cannot create the folder {}", path);
  return {};
}

Result<> make_folder_of(const std::string& file_path) {
  return make_folders(std::filesystem::path(file_path).parent_path());
}

Result<> remove_file(const std::string& path) {
  return remove_file_at(AT_FDCWD, path);
}

Result<> remove_file_at(int dir_fd, const std::string& name) {
  if (sys::unlinkat(dir_fd, name.c_str()) != 0 && errno != ENOENT)
    return fail_errno("cannot remove {}", name);
  return {};
}

}  // namespace lifeboat
