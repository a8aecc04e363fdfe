// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/mounts/mounts.h"

#include <libmount/libmount.h>
#include <sys/sysmacros.h>

#include <cstdio>
#include <memory>

#include "src/base/log.h"

namespace lifeboat {
namespace {

constexpr int kGoOn = 1;

struct CloseFile {
  void operator()(FILE* file) const { ::fclose(file); }
};

int warn_of_line(libmnt_table* /*table*/, const char* file, int line) {
  log::warning("{}: line {} is not understood and is ignored", file, line);
  return kGoOn;
}

std::string text_of(const char* text) {
  return text != nullptr ? text : "";
}

Mount mount_from(libmnt_fs* entry) {
  const dev_t device = mnt_fs_get_devno(entry);
  return {.device_number = fmt::format("{}:{}", major(device), minor(device)),
          .root = text_of(mnt_fs_get_root(entry)),
          .mount_point = text_of(mnt_fs_get_target(entry)),
          .filesystem = text_of(mnt_fs_get_fstype(entry)),
          .source = text_of(mnt_fs_get_source(entry)),
          .options = text_of(mnt_fs_get_fs_options(entry))};
}

bool is_below(const std::string& path, const std::string& folder) {
  if (folder == "/") return true;
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

}  // namespace

std::vector<Mount> parse_mounts(std::string_view mountinfo) {
  if (mountinfo.empty()) return {};
  const std::unique_ptr<FILE, CloseFile> stream(
      ::fmemopen(const_cast<char*>(mountinfo.data()), mountinfo.size(), "r"));
  const std::unique_ptr<libmnt_table, decltype(&mnt_unref_table)> table(mnt_new_table(), mnt_unref_table);
  const std::unique_ptr<libmnt_iter, decltype(&mnt_free_iter)> at(mnt_new_iter(MNT_ITER_FORWARD),
                                                                  mnt_free_iter);
  constexpr const char* kName = "mountinfo";
  mnt_table_set_parser_errcb(table.get(), warn_of_line);
  if (mnt_table_parse_stream(table.get(), stream.get(), kName) != 0)
    log::warning("{}: it cannot be read to its end", kName);
  std::vector<Mount> mounts;
  bool understood = true;
  for (libmnt_fs* entry = nullptr; mnt_table_next_fs(table.get(), at.get(), &entry) == 0;) {
    // libmount guesses the format by the first line: another one has other fields at the same places.
    if (mnt_fs_is_kernel(entry) != 0) {
      mounts.push_back(mount_from(entry));
    } else {
      understood = false;
    }
  }
  if (!understood) log::warning("{}: it is not a list of mounts, and is ignored", kName);
  return mounts;
}

const Mount* mount_of(const std::vector<Mount>& mounts, const std::string& path) {
  const Mount* best = nullptr;
  for (const auto& mount : mounts) {
    // Of two mounts at one mount point the later one hides the earlier.
    if (is_below(path, mount.mount_point) &&
        (best == nullptr || mount.mount_point.size() >= best->mount_point.size()))
      best = &mount;
  }
  return best;
}

Result<Mount> find_mount(std::string_view mountinfo, const std::string& path) {
  const auto mounts = parse_mounts(mountinfo);
  const Mount* mount = mount_of(mounts, path);
  if (mount == nullptr) return fail(ErrorCode::not_found, "{} is not on any mounted file system", path);
  return *mount;
}

}  // namespace lifeboat
