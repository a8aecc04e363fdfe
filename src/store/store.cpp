// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/store/store.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <ranges>

#include "src/base/folders.h"
#include "src/base/log.h"
#include "src/base/sys.h"
#include "src/dump/pending_file.h"

namespace lifeboat {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;
// A store whose last path component has this name belongs to lifeboat alone.
constexpr std::string_view kStoreName = "lifeboat";

// 9999-12-31 23:59:59
constexpr uint64_t kLastTime = 253402300799;

// Always a valid stamp, even when the clock of the capturing machine is wrong.
std::string time_stamp(uint64_t seconds) {
  const auto now = static_cast<uint64_t>(std::time(nullptr));
  const auto time = static_cast<time_t>(can_name_crash_folder(seconds) ? seconds : std::min(now, kLastTime));
  tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

// "1b4e28ba" of "1b4e28ba-2fa1-11d2-883f-0016d3cca427"; empty when it does not begin so: it becomes a file
// name.
std::string short_boot_id(std::string_view boot_id) {
  const std::string_view first = boot_id.substr(0, boot_id.find('-'));
  const bool plain =
      std::ranges::all_of(first, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return first.size() == 8 && plain ? std::string(first) : "";
}

enum class Missing { make, fail };

Result<UniqueFd> walk(int root_fd, const std::string& path, Missing missing) {
  UniqueFd folder = TRY(open_at(root_fd, ".", O_RDONLY | O_DIRECTORY));
  for (const auto part : std::views::split(path, '/')) {
    const std::string name(part.begin(), part.end());
    if (name.empty() || name == ".") continue;
    if (name == "..") return fail(ErrorCode::usage, "the path '{}' contains '..'", path);
    if (missing == Missing::make && sys::mkdirat(folder.get(), name.c_str(), kFolderMode) == 0) {
      if (sys::fsync(folder.get()) != 0) return fail_errno("cannot sync the folder that holds {}", name);
    } else if (missing == Missing::make && errno != EEXIST) {
      return fail_errno("cannot make the folder {} of {}", name, path);
    }
    folder = TRY_CONTEXT(open_at(folder.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), "in {}", path);
  }
  return folder;
}

// Renames a file or a symbolic link of that name; a folder keeps its name.
Result<> move_aside(int folder_fd, const std::string& name) {
  constexpr int kMax = 100;
  struct stat status{};
  const auto is_there = [&](const std::string& one) {
    return ::fstatat(folder_fd, one.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  };
  if (!is_there(name) || S_ISDIR(status.st_mode)) return {};
  for (int number = 1; number <= kMax; ++number) {
    const std::string aside = fmt::format("{}.was-in-the-way-{}", name, number);
    if (is_there(aside)) continue;
    if (sys::renameat(folder_fd, name.c_str(), folder_fd, aside.c_str()) != 0)
      return fail_errno("cannot move {} out of the way", name);
    log::warning("{} was not a folder: it was renamed to {}, and a new folder was made", name, aside);
    return {};
  }
  return fail(ErrorCode::io, "{} is not a folder, and {} renamed ones exist already", name, kMax);
}

std::string_view without_slashes(std::string_view path) {
  return path.substr(0, path.find_last_not_of('/') + 1);
}

bool is_ours(int folder_fd) {
  struct stat status{};
  return ::fstat(folder_fd, &status) == 0 && status.st_uid == ::geteuid();
}

std::string reserve_of(const std::string& name) {
  return name + ".new";
}

// btrfs writes a changed block to a new place, and there may be no space for one, except in files that had
// this flag set while they were empty. Other file systems do not know the flag, and do not need it.
void write_in_place(int fd) {
  int flags = 0;
  if (sys::ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return;
  flags |= FS_NOCOW_FL;
  [[maybe_unused]] const int unknown = sys::ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

// The reserved file, if there is one: a regular file without other hard links. Else a new one.
Result<UniqueFd> open_reserve(int dir_fd, const std::string& name) {
  auto reserved = open_at(dir_fd, reserve_of(name), O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat status{};
  if (reserved && ::fstat(reserved->get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1)
    return reserved;
  TRY_VOID(drop_reserve(dir_fd, name));
  UniqueFd made = TRY(open_at(dir_fd, reserve_of(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kFileMode));
  write_in_place(made.get());
  return made;
}

}  // namespace

Result<UniqueFd> open_folder_below(int root_fd, const std::string& path) {
  const std::string_view whole = without_slashes(path);
  const auto begin = whole.rfind('/') + 1;  // npos + 1 is 0
  const std::string parent(whole.substr(0, begin)), name(whole.substr(begin));
  const UniqueFd folder = TRY(walk(root_fd, parent, Missing::make));
  if (name == kStoreName) TRY_VOID(move_aside(folder.get(), name));
  return walk(folder.get(), name, Missing::make);
}

Result<UniqueFd> find_folder_below(int root_fd, const std::string& path) {
  return walk(root_fd, path, Missing::fail);
}

void claim_store(int store_fd, const std::string& path) {
  struct stat status{};
  if (::fstat(store_fd, &status) != 0) return;
  const bool foreign = status.st_uid != ::geteuid() && status.st_uid != 0;
  if (!foreign && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return;
  const std::string trouble = fmt::format("the store {} belongs to user {} and has mode {:04o}", path,
                                          status.st_uid, status.st_mode & 07777);
  if (::geteuid() != 0 || std::filesystem::path(without_slashes(path)).filename() != kStoreName) {
    log::warning("{}: others can write there", trouble);
  } else if (sys::fchown(store_fd, 0, 0) != 0 || sys::fchmod(store_fd, kFolderMode) != 0) {
    log::warning("{}, which cannot be changed: {}", trouble, std::strerror(errno));
  } else {
    log::warning("{}: now only root can access it", trouble);
  }
}

bool can_name_crash_folder(uint64_t time) {
  return time != 0 && time <= kLastTime;
}

Result<CrashFolder> create_crash_folder(int store_fd, uint64_t crash_time, std::string_view boot_id) {
  constexpr int kMaxInOneSecond = 100;
  // When even a new folder does not belong to its creator, the file system does not store owners.
  constexpr int kMaxStrange = 3;
  int strange = 0;
  std::string stamp = time_stamp(crash_time);
  if (const auto id = short_boot_id(boot_id); !id.empty()) stamp += '-' + id;
  for (int attempt = 1; attempt <= kMaxInOneSecond; ++attempt) {
    std::string name = attempt == 1 ? stamp : fmt::format("{}-{}", stamp, attempt);
    if (sys::mkdirat(store_fd, name.c_str(), kFolderMode) != 0) {
      if (errno == EEXIST) continue;
      return fail_errno("cannot make the folder {} for this crash", name);
    }
    UniqueFd fd = TRY(open_at(store_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (!is_ours(fd.get()) && ++strange < kMaxStrange) {
      log::warning("the new folder {} belongs to another user: trying another name", name);
      if (sys::unlinkat(store_fd, name.c_str(), AT_REMOVEDIR) != 0)
        log::warning("it cannot be removed: {}", std::strerror(errno));
      continue;
    }
    if (sys::fsync(store_fd) != 0) return fail_errno("cannot sync the folder that holds {}", name);
    return CrashFolder{std::move(name), std::move(fd)};
  }
  return fail(ErrorCode::usage, "there are {} folders named {} already", kMaxInOneSecond, stamp);
}

Result<> write_small_file(int dir_fd, const std::string& name, std::string_view text) {
  auto file = TRY(PendingFile::create(dir_fd, name + ".incomplete", name));
  auto written = write_all(file.fd(), as_byte_span(text), name);
  if (written) return file.publish();
  // A reader could not distinguish a partial file from a complete one.
  file.discard();
  return written;
}

Result<> replace_small_file(int dir_fd, const std::string& name, std::string_view text) {
  const UniqueFd file = TRY(open_reserve(dir_fd, name));
  TRY_VOID(pwrite_all(file.get(), 0, as_byte_span(text), name));
  if (sys::ftruncate(file.get(), static_cast<off_t>(text.size())) != 0)
    return fail_errno("cannot set the size of {}", name);
  TRY_VOID(sync_file(file.get(), name));
  if (sys::renameat(dir_fd, reserve_of(name).c_str(), dir_fd, name.c_str()) != 0)
    return fail_errno("cannot replace {}", name);
  if (sys::fsync(dir_fd) != 0) return fail_errno("cannot sync the folder of {}", name);
  return {};
}

Result<> reserve_small_file(int dir_fd, const std::string& name, std::string_view until_then, size_t bytes) {
  TRY_VOID(replace_small_file(dir_fd, name, until_then));
  const UniqueFd file = TRY(open_reserve(dir_fd, name));
  // Written, not only allocated: writing to allocated blocks may need more disk space.
  TRY_VOID(pwrite_all(file.get(), 0, as_byte_span(std::string(bytes, ' ')), name));
  TRY_VOID(sync_file(file.get(), name));
  return sync_file(dir_fd, "the folder of " + name);
}

Result<> drop_reserve(int dir_fd, const std::string& name) {
  return remove_file_at(dir_fd, reserve_of(name));
}

}  // namespace lifeboat
