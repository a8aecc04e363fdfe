// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/pending_file.h"

#include <sys/stat.h>

#include <cerrno>

#include "src/base/folders.h"
#include "src/base/log.h"
#include "src/base/sys.h"
#include "src/dump/dump_mark.h"

namespace lifeboat {
namespace {

constexpr mode_t kFileMode = 0600;

}  // namespace

Result<PendingFile> PendingFile::create(int dir_fd, std::string pending_name, std::string final_name) {
  struct stat ignored{};
  if (::fstatat(dir_fd, final_name.c_str(), &ignored, AT_SYMLINK_NOFOLLOW) == 0) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("{} exists already", final_name))
                               .hint("choose another name, or move that file away"));
  }
  PendingFile file;
  file.dir_fd_ = dir_fd;
  auto fd = open_at(dir_fd, pending_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, kFileMode);
  if (!fd && fd.error().sys_errno == EEXIST)
    fd.error().hint("an unfinished file of that name exists: move it away, or choose another name");
  file.fd_ = TRY(std::move(fd));
  file.pending_name_ = std::move(pending_name);
  file.final_name_ = std::move(final_name);
  return file;
}

Result<> PendingFile::rename(const std::string& from, const std::string& to) const {
  int renamed = sys::renameat_noreplace(dir_fd_, from.c_str(), dir_fd_, to.c_str());
  // Some file systems (vfat, NFS) do not support RENAME_NOREPLACE; the check in create() must suffice.
  if (renamed != 0 && errno == EINVAL) renamed = sys::renameat(dir_fd_, from.c_str(), dir_fd_, to.c_str());
  if (renamed != 0) return fail_errno("cannot rename {} to {}", from, to);
  return {};
}

Result<> PendingFile::publish(Content content) {
  DumpMark mark = DumpMark::incomplete;
  bool named = false;
  const auto published = [&]() -> Result<> {
    mark = TRY(read_dump_mark(fd_.get(), pending_name_));
    if (mark == DumpMark::incomplete)
      return fail(ErrorCode::lost, "{} is not renamed to {}: it is marked incomplete", pending_name_,
                  final_name_);
    if (content == Content::dump && mark == DumpMark::none)
      return fail(ErrorCode::corrupt, "{} is not renamed to {}: it has no dump header", pending_name_,
                  final_name_);
    TRY_VOID(sync_file(fd_.get(), pending_name_));
    TRY_VOID(rename(pending_name_, final_name_));
    named = true;
    if (sys::fsync(dir_fd_) != 0) return fail_errno("cannot sync the folder of {}", final_name_);
    return {};
  }();
  if (published || mark == DumpMark::none) return published;
  // The mark of the file must match the returned error. One that cannot be renamed back keeps its final name:
  // it is whole, and stays unmarked.
  if (!named || rename(final_name_, pending_name_)) {
    if (const auto marked = mark_dump_incomplete(fd_.get(), pending_name_); !marked)
      log::error("{}", marked.error().to_string());
  }
  return published;
}

Result<> PendingFile::sync_folder() const {
  if (sys::fsync(dir_fd_) != 0) return fail_errno("cannot sync the folder of {}", pending_name_);
  return {};
}

void PendingFile::discard() {
  if (const auto removed = remove_file_at(dir_fd_, pending_name_); !removed)
    log::warning("{}", removed.error().to_string());
}

}  // namespace lifeboat
