// SPDX-License-Identifier: GPL-2.0-or-later
// File descriptors that close themselves, and whole reads and writes: a short one is an error.
#pragma once

#include <fcntl.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// Opens with O_CLOEXEC; the message names the path.
Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode = 0);
// Relative to an open directory; for the store, where other users may put links in place of files: pass
// O_NOFOLLOW.
Result<UniqueFd> open_at(int dir_fd, const std::string& name, int flags, mode_t mode = 0);

// Fill `out` or fail: `truncated` when the file ends first. `what` names the file in messages.
Result<> pread_exact(int fd, uint64_t offset, MutableByteSpan out, std::string_view what);
// As many bytes as there are up to out.size(); a short count means the end of the file.
Result<size_t> pread_some(int fd, uint64_t offset, MutableByteSpan out, std::string_view what);
Result<> pwrite_all(int fd, uint64_t offset, ByteSpan bytes, std::string_view what);
Result<> write_all(int fd, ByteSpan bytes, std::string_view what);
Result<> sync_file(int fd, std::string_view what);
Result<uint64_t> file_size(int fd, std::string_view what);

// The whole of a file of at most `limit` bytes; for pseudo files too (reads to the end).
Result<std::vector<std::byte>> read_file(const std::string& path, uint64_t limit = uint64_t{1} << 30);
// The same as text, trailing newline kept.
Result<std::string> read_text(const std::string& path, uint64_t limit = uint64_t{1} << 20);
// Of a regular file in an open folder that others may write to: no link is followed, and it does not block.
Result<std::string> read_text_at(int dir_fd, const std::string& name, uint64_t limit = uint64_t{1} << 20);
// First line without its newline; nothing if the file cannot be read. For /sys and /proc probes.
std::optional<std::string> read_line(const std::string& path);

// Writes NAME so that at every instant either the old file or the whole new one is there.
Result<> write_file_atomically(const std::string& path, ByteSpan bytes, mode_t mode);
// The same for a file of another program: an existing file keeps its owner and mode, and a symbolic link to
// it stays a link. `mode` is for a new file.
Result<> rewrite_file_atomically(const std::string& path, ByteSpan bytes, mode_t mode);
// Writes into an existing pseudo file (/proc/sysrq-trigger, ...).
Result<> write_pseudo_file(const std::string& path, std::string_view text);

// A private folder with an unpredictable name; the destructor removes it with everything in it.
class TempDir {
 public:
  // Below `parent` (default: $TMPDIR, else /var/tmp: such folders may hold gigabytes).
  static Result<TempDir> create(std::string_view prefix, std::optional<std::string> parent = {});
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace lifeboat
