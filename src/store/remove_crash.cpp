// SPDX-License-Identifier: GPL-2.0-or-later
// remove_crash() of crash_list.h: checks everything first, then removes it.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "capture/plan/capture_plan.h"
#include "src/base/sys.h"
#include "src/store/crash_list.h"
#include "src/store/folder_entries.h"

namespace lifeboat {
namespace {

Result<struct statx> look(int folder_fd, const std::string& name, int flags) {
  struct statx status{};
  if (::statx(folder_fd, name.c_str(), flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
              STATX_TYPE | STATX_MNT_ID, &status) != 0)
    return fail_errno("cannot examine {}", name);
  return status;
}

// Whether another mount begins there: a file system, or a bind mount of the same one. The device alone (for
// kernels before 5.8) does not show the latter; with btrfs and overlayfs it differs within one mount.
bool is_mounted(const struct statx& entry, const struct statx& above) {
  if ((entry.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 &&
      (entry.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
    return true;
  if ((entry.stx_mask & above.stx_mask & STATX_MNT_ID) != 0) return entry.stx_mnt_id != above.stx_mnt_id;
  return entry.stx_dev_major != above.stx_dev_major || entry.stx_dev_minor != above.stx_dev_minor;
}

// Checked before anything is removed: why this entry cannot be. `path`: relative to the store.
Result<> check_entry(const struct statx& entry, const struct statx& above, const std::string& path) {
  if (is_mounted(entry, above)) {
    return std::unexpected(
        Error(ErrorCode::busy, fmt::format("something is mounted on {}: nothing is removed", path))
            .hint("unmount it ('findmnt' lists mounts), and try again"));
  }
  if ((entry.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0) {
    return std::unexpected(Error(ErrorCode::no_permission,
                                 fmt::format("{} is immutable or append-only: nothing is removed", path))
                               .hint("run 'chattr -i -a' on it, and try again"));
  }
  return {};
}

// `folder`: of the open folder, whose name is `path`.
Result<> check_below(int folder_fd, const struct statx& folder, const std::string& path, int depth) {
  return for_each_entry(folder_fd, [&](const std::string& name) -> Result<> {
    const std::string here = path + "/" + name;
    const struct statx entry = TRY_CONTEXT(look(folder_fd, name, 0), "{}", path);
    TRY_VOID(check_entry(entry, folder, here));
    if (!S_ISDIR(entry.stx_mode)) return {};
    if (depth >= kDeepestCrashFolder) {
      return std::unexpected(
          Error(ErrorCode::unsupported,
                fmt::format("{} is more than {} folders deep; nothing is removed", here, kDeepestCrashFolder))
              .hint("move it elsewhere, or remove it ('rm -r')"));
    }
    const UniqueFd inner =
        TRY_CONTEXT(open_at(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), "{}", path);
    return check_below(inner.get(), entry, here, depth + 1);
  });
}

Result<> remove_entry(int folder_fd, const std::string& name, int flags = 0) {
  if (sys::unlinkat(folder_fd, name.c_str(), flags) == 0 || errno == ENOENT) return {};
  return fail_errno("cannot remove {}", name);
}

// POSIX specifies EPERM for a folder.
bool is_folder(const Result<>& removed) {
  return !removed && (removed.error().sys_errno == EISDIR || removed.error().sys_errno == EPERM);
}

Result<> remove_below(int folder_fd, const struct statx& folder, int depth) {
  return for_each_entry(folder_fd, [&](const std::string& name) -> Result<> {
    auto removed = remove_entry(folder_fd, name);
    if (!is_folder(removed)) return removed;
    {
      const UniqueFd inner = TRY(open_at(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      // Checked again on the open folder: it may have been replaced since.
      const struct statx entry = TRY(look(inner.get(), "", AT_EMPTY_PATH));
      TRY_VOID(check_entry(entry, folder, name));
      if (depth >= kDeepestCrashFolder) return removed;
      TRY_VOID(remove_below(inner.get(), entry, depth + 1));
    }
    return remove_entry(folder_fd, name, AT_REMOVEDIR);
  });
}

}  // namespace

Result<> remove_crash(int store_fd, const std::string& name, const std::optional<FolderId>& id) {
  if (!crash_folder_time(name))
    return fail(ErrorCode::usage, "'{}' is not the name of a crash's folder", name);
  {
    const UniqueFd folder = TRY(open_crash_folder(store_fd, name, id));
    const struct statx status = TRY(look(folder.get(), "", AT_EMPTY_PATH));
    TRY_VOID(check_entry(status, TRY(look(store_fd, "", AT_EMPTY_PATH)), name));
    TRY_VOID(check_below(folder.get(), status, name, 0));
    for (const char* dump : {kDumpFile, kIncompleteDumpFile}) {
      const auto removed = remove_entry(folder.get(), dump);
      if (!removed && !is_folder(removed)) return removed;
    }
    TRY_VOID(remove_below(folder.get(), status, 0));
  }
  return remove_entry(store_fd, name, AT_REMOVEDIR);
}

}  // namespace lifeboat
