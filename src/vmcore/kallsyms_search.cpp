// SPDX-License-Identifier: GPL-2.0-or-later
// The tables of kallsyms found by their shape, for kernels before 6.0, whose VMCOREINFO does not name them.
//
// The token index is the easiest to recognise: 256 rising numbers from 0. Right before it are the strings
// that it points to. Before these are the markers, also rising numbers from 0; they give the number of names
// in groups of 256, and their length. So the names are found, and their exact number right before them. This
// holds for every order that scripts/kallsyms.c has written since 5.10; the addresses are before the number
// (until 6.3) or behind the token index (later).
#include <algorithm>
#include <cstring>

#include "src/vmcore/kallsyms_tables.h"

namespace lifeboat {
namespace {

constexpr uint64_t kPiece = 65536;
// An unmapped gap of this size is not within a kernel's image, but behind it.
constexpr uint64_t kMaxGap = uint64_t{32} << 20;
constexpr size_t kTokens = 256;
constexpr size_t kIndexBytes = kTokens * sizeof(uint16_t);
constexpr size_t kMaxToken = 512;  // KSYM_NAME_LEN
constexpr uint64_t kGroup = 256;   // names a marker
constexpr uint64_t kMaxMarkerBytes = kMaxSymbols / kGroup * sizeof(uint32_t);
constexpr uint64_t kMaxGroupBytes =
    kGroup * 130;  // tokens of names of at most 128 letters, and their lengths
constexpr uint64_t kMaxNameBytes = uint64_t{32} << 20;
// Labels are aligned to 8 bytes, later to 4.
constexpr uint64_t kLabel = 8;

template <typename T>
T at(ByteSpan bytes, size_t offset) {
  T value;
  std::memcpy(&value, &bytes[offset], sizeof value);
  return value;
}

// Whether these 512 bytes could be a token index.
bool is_token_index(ByteSpan bytes) {
  if (at<uint16_t>(bytes, 0) != 0) return false;
  for (size_t token = 1; token < kTokens; ++token) {
    const auto step = at<uint16_t>(bytes, token * 2) - at<uint16_t>(bytes, token * 2 - 2);
    if (step < 1 || step > static_cast<int>(kMaxToken)) return false;
  }
  return true;
}

// From a token index back to the rest. Each step yields the address of a table, or why there is none.
class TableFinder {
 public:
  TableFinder(const KernelMemory& memory, uint64_t token_index) : memory_(memory) {
    places_.token_index = token_index;
  }

  Result<KallsymsPlaces> find() {
    TRY_VOID(find_token_table());
    TRY_VOID(find_markers());
    TRY_VOID(find_names());
    add_address_tables();
    return places_;
  }

 private:
  Result<> find_token_table() {
    std::vector<std::byte> index(kIndexBytes);
    TRY_VOID(memory_.read(places_.token_index, index));
    const size_t last = at<uint16_t>(index, kIndexBytes - 2);
    const size_t max_bytes = align_up(last + kMaxToken, kLabel) + kLabel;
    std::vector<std::byte> text(max_bytes);
    TRY_VOID(memory_.read(places_.token_index - max_bytes, text));
    // The nearest start at which every string ends where the next one begins.
    for (size_t start = align_down(max_bytes - last - 1, 4); start > 0; start -= 4) {
      const auto string = as_text(ByteSpan(text).subspan(start));
      const size_t last_end = string.find('\0', last);
      if (last_end == std::string_view::npos ||
          string.find_first_not_of('\0', last_end) != std::string_view::npos ||
          string.size() - last_end > kLabel)
        continue;
      size_t token = 1;
      while (token < kTokens) {
        const size_t begin = at<uint16_t>(index, token * 2 - 2);
        if (string.find('\0', begin) != at<uint16_t>(index, token * 2) - size_t{1}) break;
        ++token;
      }
      if (token < kTokens) continue;
      places_.token_table = places_.token_index - max_bytes + start;
      return {};
    }
    return fail(ErrorCode::not_found, "no token table before {:#x}", places_.token_index);
  }

  Result<> find_markers() {
    std::vector<std::byte> before(kMaxMarkerBytes + kLabel);
    read_around_holes(memory_, places_.token_table - before.size(), before);
    // A zero right before the token table is padding.
    size_t end = before.size();
    if (at<uint32_t>(before, end - 4) == 0) end -= 4;
    size_t start = end - 4;
    while (start > 0 && at<uint32_t>(before, start - 4) < at<uint32_t>(before, start)) start -= 4;
    if (at<uint32_t>(before, start) != 0)
      return fail(ErrorCode::not_found, "no markers before the token table at {:#x}", places_.token_table);
    for (size_t offset = start; offset < end; offset += 4) markers_.push_back(at<uint32_t>(before, offset));
    markers_address_ = places_.token_table - before.size() + start;
    return {};
  }

  Result<> find_names() {
    const uint64_t max_bytes = align_up(markers_.back() + kMaxGroupBytes, kLabel) + 2 * kLabel;
    if (max_bytes > kMaxNameBytes)
      return fail(ErrorCode::not_found,
                  "no names before the markers at {:#x}: they would take {} bytes, at most {} are possible",
                  markers_address_, max_bytes, kMaxNameBytes);
    std::vector<std::byte> before(max_bytes);
    TRY_VOID(memory_.read(markers_address_ - max_bytes, before));
    for (size_t start = align_down(max_bytes - markers_.back() - 1, 4); start >= kLabel; start -= 4) {
      const auto names = ByteSpan(before).subspan(start);
      // The number of names, padded to 8 bytes or not.
      if (is_count(at<uint32_t>(before, start - 4)) && names_fit(names, at<uint32_t>(before, start - 4))) {
        count_address_ = markers_address_ - max_bytes + start - 4;
        places_.count = at<uint32_t>(before, start - 4);
      } else if (is_count(at<uint64_t>(before, start - 8)) &&
                 names_fit(names, at<uint64_t>(before, start - 8))) {
        count_address_ = markers_address_ - max_bytes + start - 8;
        places_.count = at<uint64_t>(before, start - 8);
      } else {
        continue;
      }
      places_.names = markers_address_ - max_bytes + start;
      return {};
    }
    return fail(ErrorCode::not_found, "no names before the markers at {:#x}", markers_address_);
  }

  [[nodiscard]] bool is_count(uint64_t value) const {
    return value > 0 && value <= kMaxSymbols && divide_up(value, kGroup) == markers_.size();
  }

  // Whether so many names end where `names` does, but for padding, each marker being where it should. The
  // length is one byte here: kernels with longer names have their tables in VMCOREINFO.
  [[nodiscard]] bool names_fit(ByteSpan names, uint64_t count) const {
    size_t position = 0;
    for (uint64_t name = 0; name < count; ++name) {
      if (name % kGroup == 0 && position != markers_[name / kGroup]) return false;
      if (position >= names.size() || names[position] == std::byte{0}) return false;
      position += 1 + static_cast<size_t>(names[position]);
    }
    return position <= names.size() && names.size() - position < kLabel;
  }

  void add_address_tables() {
    const uint64_t words = places_.count * sizeof(uint32_t);
    const uint64_t base = align_down(count_address_ - sizeof(uint64_t), sizeof(uint64_t));
    const uint64_t behind = places_.token_index + kIndexBytes;
    // Which of these exist, and their alignment, differs between kernels; the caller finds the right one.
    places_.addresses = {
        {base - words, base},
        {base - words - 4, base},
        {count_address_ - places_.count * sizeof(uint64_t), {}},
        {count_address_ - words, {}},
        {count_address_ - words - 4, {}},
        {behind, align_up(behind + words, kLabel)},
        {behind, {}},
        {align_up(behind, kLabel), align_up(align_up(behind, kLabel) + words, kLabel)},
        {align_up(behind, kLabel), {}},
    };
  }

  const KernelMemory& memory_;
  KallsymsPlaces places_;
  std::vector<uint32_t> markers_;
  uint64_t markers_address_ = 0, count_address_ = 0;
};

// Searches the kernel's image, a piece at a time, and records what it could not read.
class ImageSearch {
 public:
  explicit ImageSearch(const KernelMemory& memory) : memory_(memory) {}

  enum class Seen { tables, memory, nothing };
  // `nothing`: not mapped.
  Seen look_at(uint64_t address) {
    size_t unmapped = 0, unseen = 0;
    // The end of each piece is read again with the next one: an index may lie across.
    for (const auto& hole : read_around_holes(memory_, address, piece_)) {
      const bool is_mapped = hole.why.code != ErrorCode::not_mapped;
      unseen += hole.end - hole.begin;
      if (!is_mapped) unmapped += hole.end - hole.begin;
      if (!is_mapped || hole.begin >= kPiece) continue;
      unreadable_ += divide_up(hole.end - hole.begin, memory_.page_size().bytes());
      if (first_reason_.empty()) first_reason_ = hole.why.to_string();
    }
    if (unmapped == piece_.size()) return Seen::nothing;
    searched_ += kPiece;
    if (unseen == piece_.size()) return Seen::memory;
    for (size_t position = 0; position < kPiece; position += 4) {
      // Most of memory fails here.
      if (at<uint16_t>(piece_, position) != 0 || at<uint16_t>(piece_, position + 2) == 0) continue;
      if (!is_token_index(ByteSpan(piece_).subspan(position, kIndexBytes))) continue;
      auto places = TableFinder(memory_, address + position).find();
      if (places) {
        found_ = *std::move(places);
        return Seen::tables;
      }
      last_try_ = places.error().message;
    }
    return Seen::memory;
  }

  [[nodiscard]] const KallsymsPlaces& found() const { return found_; }
  [[nodiscard]] Error failure(uint64_t start) const {
    std::string message =
        fmt::format("no kallsyms tables in {} KiB of the kernel's image at {:#x}", searched_ >> 10, start);
    if (!last_try_.empty()) message += "; " + last_try_;
    if (unreadable_ > 0)
      message += fmt::format("; {} pages are not readable, the first: {}", unreadable_, first_reason_);
    return Error(ErrorCode::not_found, message)
        .hint("give its debug file (--vmlinux): the kernel may be built without CONFIG_KALLSYMS");
  }

 private:
  const KernelMemory& memory_;
  std::vector<std::byte> piece_ = std::vector<std::byte>(kPiece + kIndexBytes);
  uint64_t searched_ = 0;    // bytes
  uint64_t unreadable_ = 0;  // pages, mapped ones
  std::string first_reason_, last_try_;
  KallsymsPlaces found_;
};

// The read-only data is between the text and the data, nearer to the data, and text is long. So the search
// begins at a data symbol in VMCOREINFO; a wrong one costs time only.
uint64_t first_data(const Vmcoreinfo& info, uint64_t start, uint64_t end) {
  uint64_t first = end;
  for (const auto* name : {"init_uts_ns", "swapper_pg_dir", "prb", "node_online_map"}) {
    const uint64_t address = info.symbol(name).value_or(0);
    if (address >= start) first = std::min(first, address);
  }
  return first < end ? first : start;
}

}  // namespace

Result<KallsymsPlaces> kallsyms_by_shape(const KernelMemory& memory) {
  const Vmcoreinfo& info = memory.vmcoreinfo();
  const uint64_t start = align_down(TRY(info.require_symbol("_stext")), memory.page_size().bytes());
  const uint64_t size = std::min(memory.max_image_bytes(), ~uint64_t{0} - start - 2 * kPiece);
  const uint64_t middle = (first_data(info, start, start + size) - start) / kPiece;
  ImageSearch search(memory);
  // From `first` on, up or down, to `last`, or until nothing has been mapped for long. Returns the piece
  // behind the one that it ended with; `found` when the tables are there.
  bool found = false;
  const auto walk = [&](int64_t first, int64_t last, int64_t step) {
    uint64_t gap = 0;
    int64_t piece = first;
    for (; piece != last && gap < kMaxGap && !found; piece += step) {
      const auto seen = search.look_at(start + static_cast<uint64_t>(piece) * kPiece);
      gap = seen == ImageSearch::Seen::nothing ? gap + kPiece : 0;
      found = seen == ImageSearch::Seen::tables;
    }
    return piece;
  };
  const auto pieces = static_cast<int64_t>(size / kPiece), begin = static_cast<int64_t>(middle);
  const int64_t below = walk(begin, -1, -1);
  if (!found) walk(begin + 1, std::max(begin + 1, pieces), 1);
  // With a wrong start the image itself is below the gap.
  if (!found) walk(0, std::max<int64_t>(0, below + 1), 1);
  if (found) return search.found();
  return std::unexpected(search.failure(start));
}

}  // namespace lifeboat
