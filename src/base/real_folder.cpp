// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/real_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <deque>
#include <vector>

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxLinks = 40;  // as the kernel has it

// The names of a path that are still to be resolved; an absolute link restarts at the root.
class Names {
 public:
  void prepend(const fs::path& path) {
    const fs::path names = path.relative_path();
    todo_.insert(todo_.begin(), names.begin(), names.end());
  }
  [[nodiscard]] bool empty() const { return todo_.empty(); }
  std::string take() {
    std::string name = todo_.front();
    todo_.pop_front();
    return name;
  }
  [[nodiscard]] fs::path rest() const {
    fs::path path;
    for (const auto& name : todo_) {
      if (!name.empty()) path /= name;
    }
    return path.lexically_normal();
  }

 private:
  std::deque<fs::path> todo_;
};

// The folders that were resolved, the root first.
class Way {
 public:
  Result<> begin() {
    folders_.clear();
    folders_.push_back({"/", TRY(open_file("/", O_PATH | O_DIRECTORY))});
    return {};
  }
  // O_DIRECTORY also triggers automounts.
  Result<> enter(const std::string& name) {
    auto folder = TRY(open_at(here(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    folders_.push_back({path(name), std::move(folder)});
    return {};
  }
  void leave() {
    if (folders_.size() > 1) folders_.pop_back();
  }
  [[nodiscard]] int here() const { return folders_.back().fd.get(); }
  [[nodiscard]] fs::path path(const fs::path& name) const { return folders_.back().path / name; }
  UniqueFd take_last() { return std::move(folders_.back().fd); }

 private:
  struct Folder {
    fs::path path;
    UniqueFd fd;
  };
  std::vector<Folder> folders_;
};

bool is_ours(const struct stat& status) {
  return status.st_uid == 0 || status.st_uid == ::geteuid();
}

// Of a symbolic link in an open folder.
bool can_be_trusted(int folder_fd, const struct stat& link) {
  struct stat folder{};
  return is_ours(link) && ::fstat(folder_fd, &folder) == 0 && is_ours(folder) &&
         (folder.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// By path: checks links on the way, and their targets.
bool are_parts_fixed(const fs::path& path) {
  fs::path here;
  for (const auto& part : path) {
    struct stat folder{}, entry{};
    if (!here.empty()) {
      const bool others_write =
          ::stat(here.c_str(), &folder) != 0 || (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0;
      if (!is_ours(folder) || (others_write && (folder.st_mode & S_ISVTX) == 0)) return false;
    }
    here /= part;
    if (::lstat(here.c_str(), &entry) != 0 || !is_ours(entry)) return false;
  }
  return true;
}

Error obstacle_at(const std::string& path, const struct stat& status) {
  if (!S_ISLNK(status.st_mode)) return errno_error(ENOTDIR, fmt::format("cannot open {}", path));
  return Error(ErrorCode::unsupported,
               fmt::format("{} is a symbolic link of user {} and is not followed: users other than root can "
                           "have created it",
                           path, status.st_uid))
      .hint(fmt::format("check its target and owner: ls -l {}; delete it, or give it to root and move it to "
                        "a folder that only root can write to",
                        path));
}

Result<fs::path> read_link(int folder_fd, const std::string& name, const std::string& path) {
  char text[PATH_MAX];
  const ssize_t count = ::readlinkat(folder_fd, name.c_str(), text, sizeof text);
  if (count <= 0) return fail_errno("cannot read the link {}", path);
  return fs::path(text, text + count);
}

}  // namespace

Result<RealFolder> find_real_folder(const std::string& path) {
  RealFolder found;
  Names names;
  Way way;
  std::error_code error;
  names.prepend(fs::absolute(path, error));
  if (error) return std::unexpected(errno_error(error.value(), fmt::format("cannot resolve {}", path)));
  TRY_VOID(way.begin());
  for (int links = 0; !names.empty();) {
    const std::string name = names.take();
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      way.leave();
      continue;
    }
    struct stat status{};
    if (::fstatat(way.here(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) return fail_errno("cannot open {}", way.path(name).string());
      names.prepend(name);
      break;
    }
    if (S_ISDIR(status.st_mode)) {
      TRY_VOID(way.enter(name));
      continue;
    }
    if (!S_ISLNK(status.st_mode) || !can_be_trusted(way.here(), status)) {
      found.obstacle = obstacle_at(way.path(name), status);
      names.prepend(name);
      break;
    }
    if (++links > kMaxLinks) return std::unexpected(errno_error(ELOOP, fmt::format("cannot open {}", path)));
    const fs::path target = TRY(read_link(way.here(), name, way.path(name)));
    if (target.is_absolute()) TRY_VOID(way.begin());
    names.prepend(target);
  }
  const fs::path rest = names.rest();
  if (!rest.empty() && *rest.begin() == "..")
    return fail(ErrorCode::not_found, "{}: a folder of this path does not exist", path);
  if (rest != ".") found.missing = rest;
  found.path = way.path(found.missing).string();
  if (found.path.size() > 1 && found.path.ends_with('/')) found.path.pop_back();
  found.folder = way.take_last();
  return found;
}

Result<RealFolder> real_folder(const std::string& path) {
  auto found = TRY(find_real_folder(path));
  if (found.obstacle) return std::unexpected(*std::move(found.obstacle));
  return found;
}

bool is_fixed_path(const std::string& path) {
  const auto found = real_folder(path);
  std::error_code error;
  return found && found->missing.empty() && are_parts_fixed(fs::absolute(path, error)) &&
         are_parts_fixed(found->path);
}

}  // namespace lifeboat
