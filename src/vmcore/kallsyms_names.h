// SPDX-License-Identifier: GPL-2.0-or-later
// The compressed names of kallsyms: each is a length and so many bytes, each of which stands for a token, a
// short string. The first character of a name is the symbol's type. The kernel's own list of where every
// 256th name begins (the markers) lies behind the names.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/vmcore/kallsyms_tables.h"

namespace lifeboat {

class KallsymsTokens {
 public:
  // token_index is u16[256], offsets into the NUL-terminated strings of token_table. `corrupt` when they do
  // not fit.
  static Result<KallsymsTokens> read(const KernelMemory& memory, const KallsymsPlaces& places);

  [[nodiscard]] std::string_view operator[](std::byte token) const {
    return std::string_view(text_).substr(start_[static_cast<uint8_t>(token)], length(token));
  }
  [[nodiscard]] size_t length(std::byte token) const { return length_[static_cast<uint8_t>(token)]; }

 private:
  std::string text_;
  std::array<uint16_t, 256> start_{}, length_{};
};

// One byte before 6.1, ULEB128 of one or two bytes from then on (commit 73bbb94466fd "kallsyms: support "big"
// kernel symbols"). The two differ only for names of 128 tokens or more.
enum class NameLength { uleb128, one_byte };

class KallsymsNames {
 public:
  static constexpr size_t kGroup = 256;
  static constexpr size_t kMaxLetters = 1024;  // of a name; KSYM_NAME_LEN is 512
  static constexpr uint32_t kLost = 0xffffffff;

  // One reading of the names: where the names 0, 256, 512... begin, in bytes from the first. kLost: that
  // group of names cannot be read.
  struct Index {
    NameLength encoding = NameLength::uleb128;
    std::vector<uint32_t> groups;
    [[nodiscard]] size_t lost_groups() const {
      return static_cast<size_t>(std::ranges::count(groups, kLost));
    }
  };

  // Reads the names as they lie, and indexes them as ULEB128, else by single bytes. A page that cannot be
  // read or a damaged length loses only the names of its group, if the markers are whole. `corrupt` or the
  // memory's error when nothing is left.
  static Result<KallsymsNames> read(const KernelMemory& memory, const KallsymsPlaces& places);

  [[nodiscard]] size_t size() const { return count_; }
  [[nodiscard]] const Index& index() const { return index_; }
  void set_index(Index index) { index_ = std::move(index); }
  [[nodiscard]] Index read_as(NameLength encoding) const;
  // Whether the other encoding would read something else.
  [[nodiscard]] bool ambiguous() const { return ambiguous_; }
  [[nodiscard]] const std::vector<MemoryHole>& holes() const { return holes_; }

  // visit(index, tokens) for the names from `first` on, until it returns false. Lost groups are left out.
  template <typename Visit>
  void walk(size_t first, const Visit& visit) const {
    for (size_t group = first / kGroup; group < index_.groups.size(); ++group) {
      if (index_.groups[group] == kLost) continue;
      size_t position = index_.groups[group];
      const size_t end = std::min(count_, (group + 1) * kGroup);
      for (size_t at = group * kGroup; at < end; ++at) {
        const ByteSpan tokens = next(position, index_.encoding);
        if (at >= first && !visit(at, tokens)) return;
      }
    }
  }
  // Type and name. What is longer than kMaxLetters, in a damaged table, is cut there.
  void expand(ByteSpan tokens, std::string& out) const;
  // Of a symbol that is not lost.
  [[nodiscard]] char type(size_t index) const;
  [[nodiscard]] bool lost(size_t index) const { return index_.groups[index / kGroup] == kLost; }

  // The index of the first symbol of each name (without its type), all found by one walk.
  [[nodiscard]] std::vector<std::optional<size_t>> find(const std::vector<std::string_view>& names) const;
  [[nodiscard]] std::vector<size_t> find_all(std::string_view name) const;

 private:
  class Search;

  KallsymsNames() = default;
  [[nodiscard]] ByteSpan next(size_t& position, NameLength encoding) const;
  bool skip_group(size_t group, size_t& position, NameLength encoding) const;
  [[nodiscard]] size_t groups() const { return (count_ + kGroup - 1) / kGroup; }
  [[nodiscard]] uint32_t word(size_t position) const;
  [[nodiscard]] bool markers_follow(const Index& index, size_t end) const;
  [[nodiscard]] std::optional<Index> resume_by_markers(NameLength encoding) const;
  void drop_groups_in_holes(Index& index) const;

  uint64_t address_ = 0;
  size_t count_ = 0;
  KallsymsTokens tokens_;
  std::vector<std::byte>
      blob_;  // everything up to the token table: names, markers, in 6.2 and 6.3 seqs_of_names
  std::vector<MemoryHole> holes_;
  bool ambiguous_ = false;
  Index index_;
};

// The tokens of the name at `position`, which moves on to the next one. Empty: no name there.
inline ByteSpan KallsymsNames::next(size_t& position, NameLength encoding) const {
  const size_t size = blob_.size();
  if (position >= size) return {};
  auto length = static_cast<size_t>(blob_[position++]);
  if (encoding == NameLength::uleb128 && (length & 0x80) != 0) {
    if (position >= size) return {};
    length = (length & 0x7f) | static_cast<size_t>(blob_[position++]) << 7;
  }
  if (length > size - position) return {};
  const ByteSpan tokens = ByteSpan(blob_).subspan(position, length);
  position += length;
  return tokens;
}

}  // namespace lifeboat
