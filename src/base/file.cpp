// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "src/base/log.h"
#include "src/base/sys.h"

namespace lifeboat {

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode) {
  return open_at(AT_FDCWD, path, flags, mode);
}

Result<UniqueFd> open_at(int dir_fd, const std::string& name, int flags, mode_t mode) {
  const int fd = sys::open(dir_fd, name.c_str(), flags, mode);
  if (fd < 0) return fail_errno("cannot open {}", name);
  return UniqueFd(fd);
}

Result<size_t> pread_some(int fd, uint64_t offset, MutableByteSpan out, std::string_view what) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t count =
        sys::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (count < 0) return fail_errno("cannot read {} at offset {}", what, offset + done);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

Result<> pread_exact(int fd, uint64_t offset, MutableByteSpan out, std::string_view what) {
  const size_t done = TRY(pread_some(fd, offset, out, what));
  if (done != out.size()) {
    return fail(ErrorCode::truncated, "{} ends at offset {}, {} bytes too early", what, offset + done,
                out.size() - done);
  }
  return {};
}

Result<> pwrite_all(int fd, uint64_t offset, ByteSpan bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t count = sys::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0) return fail_errno("cannot write {} at offset {}", what, offset);
    if (count == 0) return fail(ErrorCode::io, "cannot write {} at offset {}: 0 bytes written", what, offset);
    bytes = bytes.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return {};
}

Result<> write_all(int fd, ByteSpan bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t count = sys::write(fd, bytes.data(), bytes.size());
    if (count < 0) return fail_errno("cannot write {}", what);
    if (count == 0) return fail(ErrorCode::io, "cannot write {}: 0 bytes written", what);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return {};
}

Result<> sync_file(int fd, std::string_view what) {
  if (sys::fsync(fd) != 0) return fail_errno("cannot sync {}", what);
  return {};
}

Result<uint64_t> file_size(int fd, std::string_view what) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno("cannot examine {}", what);
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::usage, "{} is not a regular file", what);
  return static_cast<uint64_t>(status.st_size);
}

Result<std::vector<std::byte>> read_file(const std::string& path, uint64_t limit) {
  // O_NONBLOCK: a FIFO without a writer reads as empty and does not block.
  const UniqueFd fd = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  std::vector<std::byte> bytes;
  struct stat status{};
  if (::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
    bytes.reserve(std::min<uint64_t>(static_cast<uint64_t>(status.st_size), limit) + 1);
  }
  constexpr size_t kChunk = 1 << 16;
  for (;;) {
    const size_t old_size = bytes.size();
    bytes.resize(old_size + kChunk);
    const ssize_t count = sys::read(fd.get(), bytes.data() + old_size, kChunk);
    if (count < 0) return fail_errno("cannot read {}", path);
    bytes.resize(old_size + static_cast<size_t>(count));
    if (count == 0) return bytes;
    if (bytes.size() > limit) return fail(ErrorCode::unsupported, "{} is larger than {} bytes", path, limit);
  }
}

Result<std::string> read_text(const std::string& path, uint64_t limit) {
  const auto bytes = TRY(read_file(path, limit));
  return std::string(as_text(bytes));
}

Result<std::string> read_text_at(int dir_fd, const std::string& name, uint64_t limit) {
  const UniqueFd fd = TRY(open_at(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  const uint64_t size = TRY(file_size(fd.get(), name));
  if (size > limit) return fail(ErrorCode::unsupported, "{} is larger than {} bytes", name, limit);
  std::string text(size, '\0');
  TRY_VOID(pread_exact(fd.get(), 0, std::as_writable_bytes(std::span(text)), name));
  return text;
}

std::optional<std::string> read_line(const std::string& path) {
  auto text = read_text(path);
  if (!text) return std::nullopt;
  return text->substr(0, text->find('\n'));
}

namespace {

struct Ownership {
  mode_t mode;
  std::optional<std::pair<uid_t, gid_t>> owner;  // nullopt: the caller's
};

Result<> replace_file(const std::string& path, ByteSpan bytes, const Ownership& ownership) {
  const std::filesystem::path target(path);
  const std::string parent = target.has_parent_path() ? target.parent_path().string() : ".";
  const UniqueFd dir = TRY(open_file(parent, O_RDONLY | O_DIRECTORY));
  // In the same folder as the target: rename is atomic only within one file system.
  std::string pattern = parent + "/." + target.filename().string() + ".XXXXXX";
  UniqueFd file(sys::create_temporary_file(pattern.data()));
  if (!file.valid()) return fail_errno("cannot create a file in {}", parent);
  auto written = [&]() -> Result<> {
    if (ownership.owner && sys::fchown(file.get(), ownership.owner->first, ownership.owner->second) != 0)
      return fail_errno("cannot set the owner of {}", pattern);
    if (sys::fchmod(file.get(), ownership.mode) != 0) return fail_errno("cannot set the mode of {}", pattern);
    TRY_VOID(write_all(file.get(), bytes, path));
    TRY_VOID(sync_file(file.get(), path));
    if (sys::renameat(AT_FDCWD, pattern.c_str(), AT_FDCWD, path.c_str()) != 0)
      return fail_errno("cannot rename {} to {}", pattern, path);
    return sync_file(dir.get(), parent);
  }();
  if (!written && sys::unlinkat(AT_FDCWD, pattern.c_str()) != 0 && errno != ENOENT)
    log::warning("cannot remove the temporary file {}: {}", pattern, std::strerror(errno));
  return written;
}

}  // namespace

Result<> write_file_atomically(const std::string& path, ByteSpan bytes, mode_t mode) {
  return replace_file(path, bytes, {.mode = mode, .owner = {}});
}

Result<> rewrite_file_atomically(const std::string& path, ByteSpan bytes, mode_t mode) {
  struct stat there{};
  if (::stat(path.c_str(), &there) != 0) {
    if (errno != ENOENT) return fail_errno("cannot examine {}", path);
    return write_file_atomically(path, bytes, mode);
  }
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  if (error) return std::unexpected(errno_error(error.value(), path));
  Ownership ownership{.mode = there.st_mode & 07777, .owner = {}};
  // Some file systems (FAT) have no owners and refuse to set one.
  if (there.st_uid != ::geteuid() || there.st_gid != ::getegid())
    ownership.owner = {there.st_uid, there.st_gid};
  return replace_file(real, bytes, ownership);
}

Result<> write_pseudo_file(const std::string& path, std::string_view text) {
  const UniqueFd fd = TRY(open_file(path, O_WRONLY));
  return write_all(fd.get(), as_byte_span(text), path);
}

Result<TempDir> TempDir::create(std::string_view prefix, std::optional<std::string> parent) {
  if (!parent) {
    const char* from_environment = std::getenv("TMPDIR");
    parent = from_environment != nullptr && *from_environment != '\0' ? from_environment : "/var/tmp";
  }
  std::string pattern = fmt::format("{}/{}.XXXXXX", *parent, prefix);
  if (sys::create_temporary_folder(pattern.data()) != 0)
    return fail_errno("cannot create a folder in {}", *parent);
  return TempDir(std::filesystem::path(pattern));
}

TempDir::~TempDir() {
  if (path_.empty()) return;
  if (sys::remove_all(path_.c_str()) != 0)
    log::warning("cannot remove the temporary folder {}: {}", path_.string(), std::strerror(errno));
}

}  // namespace lifeboat
