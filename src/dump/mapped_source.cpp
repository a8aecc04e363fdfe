// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/mapped_source.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

#include "src/base/log.h"

namespace lifeboat {
namespace {

// Large enough that the calls do not count, small enough that the page tables of a window do not: 8 KiB with
// pages of 4 KiB.
constexpr uint64_t kWindow = uint64_t{4} << 20;
// A shorter read outside of a window does not move it: a search in page tables would map 4 MiB for 8 bytes.
constexpr size_t kWorthMapping = size_t{64} << 10;
// More threads than that share windows.
constexpr size_t kWindows = 64;

class Window {
 public:
  Window() = default;
  ~Window() { unmap(); }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  [[nodiscard]] bool covers(uint64_t offset, size_t size) const {
    return offset >= begin_ && offset - begin_ <= size_ && size <= size_ - (offset - begin_);
  }
  void copy(uint64_t offset, MutableByteSpan out) const {
    std::memcpy(out.data(), static_cast<const std::byte*>(memory_) + (offset - begin_), out.size());
  }
  bool map(int fd, uint64_t begin, uint64_t size) {
    unmap();
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, static_cast<off_t>(begin));
    if (memory == MAP_FAILED) return false;
    memory_ = memory;
    begin_ = begin;
    size_ = size;
    return true;
  }

  std::mutex mutex;

 private:
  void unmap() {
    if (memory_ != nullptr) ::munmap(memory_, size_);
    memory_ = nullptr;
    begin_ = size_ = 0;
  }
  void* memory_ = nullptr;
  uint64_t begin_ = 0, size_ = 0;
};

class MappedSource final : public ByteSource {
 public:
  MappedSource(UniqueFd fd, std::string name, uint64_t size)
      : fd_(std::move(fd)),
        name_(std::move(name)),
        size_(size),
        page_(static_cast<uint64_t>(::sysconf(_SC_PAGESIZE))) {}
  [[nodiscard]] uint64_t size() const override { return size_; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool parallel_reads() const override { return true; }

  Result<> read(uint64_t offset, MutableByteSpan out) const override {
    if (offset > size_ || out.size() > size_ - offset) {
      return fail(ErrorCode::truncated, "{}: cannot read {} bytes at offset {}: the file ends at {}", name_,
                  out.size(), offset, size_);
    }
    while (!out.empty()) {
      // Not across the border of two windows.
      const size_t part = std::min<uint64_t>(out.size(), kWindow - offset % kWindow);
      if (!copy_mapped(offset, out.first(part)))
        TRY_VOID(pread_exact(fd_.get(), offset, out.first(part), name_));
      offset += part;
      out = out.subspan(part);
    }
    return {};
  }

 private:
  bool copy_mapped(uint64_t offset, MutableByteSpan out) const {
    // Each thread has its own, as long as there are enough.
    Window& window = windows_[std::hash<std::thread::id>()(std::this_thread::get_id()) % kWindows];
    const std::scoped_lock lock(window.mutex);
    if (!window.covers(offset, out.size())) {
      if (out.size() < kWorthMapping || !mappable_) return false;
      const uint64_t begin = offset / kWindow * kWindow;
      // The kernel maps nothing beyond the last whole page.
      const uint64_t end = std::min(begin + kWindow, size_ / page_ * page_);
      if (offset + out.size() > end) return false;
      if (!window.map(fd_.get(), begin, end - begin)) {
        mappable_ = false;
        log::info("{} cannot be mapped; it is read page by page, which is slower", name_);
        return false;
      }
    }
    window.copy(offset, out);
    return true;
  }

  UniqueFd fd_;
  std::string name_;
  uint64_t size_, page_;
  mutable std::array<Window, kWindows> windows_;
  mutable std::atomic<bool> mappable_ = true;
};

}  // namespace

std::unique_ptr<ByteSource> mapped_byte_source(UniqueFd fd, std::string name, uint64_t size) {
  return std::make_unique<MappedSource>(std::move(fd), std::move(name), size);
}

}  // namespace lifeboat
