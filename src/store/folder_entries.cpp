// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/store/folder_entries.h"

#include <dirent.h>

#include <memory>

#include "src/base/file.h"

namespace lifeboat {
namespace {

struct CloseFolder {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

}  // namespace

Result<> for_each_entry(int folder_fd, const std::function<Result<>(const std::string&)>& visit) {
  // A separate stream: reading it does not move a shared file position.
  UniqueFd fd = TRY(open_at(folder_fd, ".", O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, CloseFolder> stream(::fdopendir(fd.get()));
  if (!stream) return fail_errno("cannot read a folder of the store");
  fd.release();
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr && errno != 0) return fail_errno("cannot read a folder of the store");
    if (entry == nullptr) return {};
    const std::string name = entry->d_name;
    if (name != "." && name != "..") TRY_VOID(visit(name));
  }
}

}  // namespace lifeboat
