// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/search.h"

#include <algorithm>
#include <string_view>

namespace lifeboat::inspect {
namespace {

class Searcher {
 public:
  Searcher(Dump& dump, ByteSpan bytes, uint64_t alignment, std::chrono::milliseconds limit,
           const std::function<bool(uint64_t)>& found)
      : dump_(dump),
        page_(dump.page_size()),
        wanted_(as_text(bytes)),
        zeros_(wanted_.find_first_not_of('\0') == std::string_view::npos),
        alignment_(alignment),
        deadline_(std::chrono::steady_clock::now() + limit),
        found_(found) {}

  SearchResult run() {
    for (const auto& range : dump_.ram()) {
      const uint64_t end = page_.frame(range.end);
      for (uint64_t pfn = page_.frame(range.start); pfn < end;) {
        // An unreadable window does not stop the search in the others.
        const uint64_t window_end = std::min(end, (pfn / kWindowPages + 1) * kWindowPages);
        if (!look_through(pfn, window_end)) return result_;
        pfn = window_end;
      }
    }
    return result_;
  }

 private:
  static constexpr uint64_t kWindowPages = uint64_t{1} << 18;

  // False: enough, or the time limit is reached.
  bool look_through(uint64_t pfn, uint64_t end) {
    while (pfn < end) {
      const auto run = dump_.next_stored(pfn, end);
      if (!run) {
        result_.pages += end - pfn;
        result_.unreadable += end - pfn;
        return true;
      }
      if (!*run) return true;
      pfn = (*run)->first;
      while (pfn < (*run)->end) {
        if (time_is_up()) {
          result_.timed_out = true;
          result_.end = page_.address(pfn);
          return false;
        }
        pfn = step(pfn, (*run)->end);
        if (result_.stopped) return false;
      }
    }
    return true;
  }

  // The clock is read only every few steps.
  bool time_is_up() {
    constexpr uint64_t kSteps = 1024;
    return steps_++ % kSteps == 0 && std::chrono::steady_clock::now() >= deadline_;
  }

  // Looks at a page, and returns the next one to look at. In a hole of the file, which may have terabytes, no
  // match begins behind its first page unless zeros are wanted; one may end in its first page, and begin in
  // its last.
  uint64_t step(uint64_t pfn, uint64_t end) {
    const bool hole = is_hole(pfn);
    if (!hole || !after_hole_ || end_ != page_.address(pfn)) {
      look_at(pfn);
      after_hole_ = hole;
      return pfn + 1;
    }
    const uint64_t next = std::min(page_.frame(data_), end);
    result_.pages += next - pfn;
    window_.assign(wanted_.size() - 1, '\0');
    end_ = page_.address(next);
    return next;
  }

  bool is_hole(uint64_t pfn) {
    if (zeros_) return false;
    const uint64_t address = page_.address(pfn);
    if (data_ < address) data_ = dump_.next_data(address);
    return data_ >= address + page_.bytes();
  }

  // The window is the page, after the end of the page before it: as much as a match that begins there needs.
  void look_at(uint64_t pfn) {
    const uint64_t address = page_.address(pfn);
    if (end_ != address) window_.clear();
    if (window_.size() >= wanted_.size()) window_.erase(0, window_.size() - (wanted_.size() - 1));
    const size_t before = window_.size();
    window_.resize(before + page_.bytes());
    ++result_.pages;
    if (!dump_.read(address, std::as_writable_bytes(std::span(window_).subspan(before)))) {
      ++result_.unreadable;
      window_.clear();
      return;
    }
    end_ = address + page_.bytes();
    const uint64_t start = address - before;
    for (size_t at = window_.find(wanted_); at != std::string::npos; at = window_.find(wanted_, at + 1)) {
      if ((start + at) % alignment_ != 0) continue;
      if (found_(start + at)) continue;
      result_.stopped = true;
      result_.end = start + at;
      return;
    }
  }

  Dump& dump_;
  PageSize page_;
  std::string_view wanted_;
  bool zeros_;  // nothing else is wanted
  uint64_t alignment_;
  std::chrono::steady_clock::time_point deadline_;
  uint64_t steps_ = 0;
  const std::function<bool(uint64_t)>& found_;
  std::string window_;
  uint64_t end_ = 0;         // of the window
  uint64_t data_ = 0;        // behind the hole that was found last
  bool after_hole_ = false;  // the window is of a page in it
  SearchResult result_;
};

}  // namespace

SearchResult search_memory(Dump& dump, ByteSpan bytes, uint64_t alignment, std::chrono::milliseconds limit,
                           const std::function<bool(uint64_t physical_address)>& found) {
  if (bytes.empty() || bytes.size() > dump.page_size().bytes()) return {};
  return Searcher(dump, bytes, std::max<uint64_t>(alignment, 1), limit, found).run();
}

}  // namespace lifeboat::inspect
