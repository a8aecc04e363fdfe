// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/byte_source.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "src/dump/mapped_source.h"

namespace lifeboat {
namespace {

class FileSource final : public ByteSource {
 public:
  FileSource(UniqueFd fd, std::string name, uint64_t size)
      : fd_(std::move(fd)), name_(std::move(name)), size_(size) {}
  [[nodiscard]] uint64_t size() const override { return size_; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] ByteExtent next_data(uint64_t offset) const override;
  [[nodiscard]] bool parallel_reads() const override { return true; }
  Result<> read(uint64_t offset, MutableByteSpan out) const override {
    if (offset > size_ || out.size() > size_ - offset) {
      return fail(ErrorCode::truncated, "{}: cannot read {} bytes at offset {}: the file ends at {}", name_,
                  out.size(), offset, size_);
    }
    return pread_exact(fd_.get(), offset, out, name_);
  }

 private:
  UniqueFd fd_;
  std::string name_;
  uint64_t size_;
};

// A file system or device without support for holes has none.
ByteExtent FileSource::next_data(uint64_t offset) const {
  if (offset >= size_) return {size_, size_};
  const off_t start = ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_DATA);
  if (start < 0 && errno == ENXIO) return {size_, size_};
  const off_t end = start < 0 ? -1 : ::lseek(fd_.get(), start, SEEK_HOLE);
  if (end < 0) return {offset, size_};
  return {std::min(static_cast<uint64_t>(start), size_), std::min(static_cast<uint64_t>(end), size_)};
}

class MemorySource final : public ByteSource {
 public:
  [[nodiscard]] bool parallel_reads() const override { return true; }
  MemorySource(ByteSpan bytes, std::string name)
      : bytes_(bytes.begin(), bytes.end()), name_(std::move(name)) {}
  [[nodiscard]] uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] const std::string& name() const override { return name_; }
  Result<> read(uint64_t offset, MutableByteSpan out) const override {
    const ByteSpan part = TRY(slice(bytes_, offset, out.size(), name_));
    if (!part.empty()) std::memcpy(out.data(), part.data(), part.size());
    return {};
  }

 private:
  std::vector<std::byte> bytes_;
  std::string name_;
};

}  // namespace

Result<> check_fits(const ByteSource& file, uint64_t offset, uint64_t size, std::string_view what) {
  if (offset > file.size() || size > file.size() - offset || size > file.stored_size()) {
    return fail(ErrorCode::truncated, "{}: the {} ({} bytes at {}) do not fit into {} bytes", file.name(),
                what, size, offset, file.stored_size());
  }
  return {};
}

Result<std::vector<std::byte>> read_bytes(const ByteSource& file, uint64_t offset, uint64_t size,
                                          std::string_view what) {
  TRY_VOID(check_fits(file, offset, size, what));
  std::vector<std::byte> bytes(size);
  TRY_VOID(file.read(offset, bytes));
  return bytes;
}

Result<std::unique_ptr<ByteSource>> open_byte_source(UniqueFd fd, std::string name) {
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  if (size < 0) {
    return fail(ErrorCode::unsupported, "{} is not seekable (a pipe or a terminal); save it to a file first",
                name);
  }
  struct statfs filesystem{};
  // /proc/vmcore. Of a file on a disk, the page cache is faster than a mapping of it.
  if (::fstatfs(fd.get(), &filesystem) == 0 && filesystem.f_type == PROC_SUPER_MAGIC)
    return mapped_byte_source(std::move(fd), std::move(name), static_cast<uint64_t>(size));
  return std::make_unique<FileSource>(std::move(fd), std::move(name), static_cast<uint64_t>(size));
}

std::unique_ptr<ByteSource> memory_byte_source(ByteSpan bytes, std::string name) {
  return std::make_unique<MemorySource>(bytes, std::move(name));
}

}  // namespace lifeboat
