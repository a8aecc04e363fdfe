// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/kallsyms_names.h"

#include <bitset>
#include <cstring>
#include <memory>

namespace lifeboat {
namespace {

// Real tables have some 14 bytes a symbol, and seqs_of_names and the markers in between add less than 5.
constexpr uint64_t kMaxBytesPerName = 128;
constexpr uint64_t kFewNames = 65536;
constexpr size_t kLongName = 0x80;  // tokens
constexpr uint64_t kMaxBytes = uint64_t{64} << 20;
// Limits the checks of possible markers; a hostile table may have many.
constexpr int kMaxCandidates = 16;

}  // namespace

Result<KallsymsTokens> KallsymsTokens::read(const KernelMemory& memory, const KallsymsPlaces& places) {
  KallsymsTokens tokens;
  TRY_VOID(memory.read(places.token_index, std::as_writable_bytes(std::span(tokens.start_))));
  const auto& start = tokens.start_;
  if (start.front() != 0 || std::ranges::adjacent_find(start, std::greater_equal()) != start.end())
    return fail(ErrorCode::corrupt, "the token index does not rise from 0");
  const std::string last =
      TRY(memory.read_string(places.token_table + start.back(), KallsymsNames::kMaxLetters));
  tokens.text_.resize(start.back() + last.size() + 1);
  TRY_VOID(memory.read(places.token_table, std::as_writable_bytes(std::span(tokens.text_))));
  for (size_t token = 0; token < start.size(); ++token) {
    const size_t end = token + 1 < start.size() ? start[token + 1] : tokens.text_.size();
    tokens.length_[token] = static_cast<uint16_t>(end - start[token] - 1);
    if (tokens.text_.find('\0', start[token]) != end - 1)
      return fail(
          ErrorCode::corrupt,
          "the symbol table (kallsyms) is damaged: the length of token {} does not match the token index",
          token);
  }
  return tokens;
}

Result<KallsymsNames> KallsymsNames::read(const KernelMemory& memory, const KallsymsPlaces& places) {
  KallsymsNames names;
  names.address_ = places.names;
  names.count_ = places.count;
  names.tokens_ = TRY_CONTEXT(KallsymsTokens::read(memory, places), "kallsyms_token_table");
  // The token table lies behind the names in every order that scripts/kallsyms.c ever wrote.
  const uint64_t bytes = places.token_table - places.names;
  if (places.token_table <= places.names ||
      bytes > std::min(kMaxBytes, kFewNames + places.count * kMaxBytesPerName)) {
    return fail(ErrorCode::corrupt, "kallsyms: {} names between {:#x} and the token table at {:#x}",
                places.count, places.names, places.token_table);
  }
  names.blob_.resize(bytes);
  names.holes_ = read_around_holes(memory, places.names, names.blob_);
  for (const auto encoding : {NameLength::uleb128, NameLength::one_byte}) {
    names.index_ = names.read_as(encoding);
    if (names.index_.lost_groups() < names.groups()) break;
  }
  if (names.index_.lost_groups() == names.groups()) {
    if (!names.holes_.empty())
      return std::unexpected(std::move(names.holes_.front().why).context("kallsyms_names"));
    return fail(ErrorCode::corrupt, "kallsyms_names at {:#x} holds no names", places.names);
  }
  bool long_names = false;
  names.walk(0, [&long_names](size_t, ByteSpan tokens) {
    long_names = tokens.size() >= kLongName;
    return !long_names;
  });
  names.ambiguous_ =
      long_names || names.index_.lost_groups() > 0 || names.index_.encoding != NameLength::uleb128;
  return names;
}

// Moves `position` behind the names of a group. A name of no length is none: the kernel has no such names.
bool KallsymsNames::skip_group(size_t group, size_t& position, NameLength encoding) const {
  const size_t end = std::min(count_, (group + 1) * kGroup);
  for (size_t at = group * kGroup; at < end; ++at) {
    if (next(position, encoding).empty()) return false;
  }
  return true;
}

KallsymsNames::Index KallsymsNames::read_as(NameLength encoding) const {
  Index index{encoding, {}};
  index.groups.reserve(groups());
  size_t position = 0;
  for (size_t group = 0; group < groups(); ++group) {
    const auto begin = static_cast<uint32_t>(position);
    if (!skip_group(group, position, encoding)) break;
    index.groups.push_back(begin);
  }
  const bool whole = index.groups.size() == groups();
  index.groups.resize(groups(), kLost);
  if (!whole || !markers_follow(index, position)) {
    if (auto resumed = resume_by_markers(encoding)) index = *std::move(resumed);
  }
  drop_groups_in_holes(index);
  return index;
}

uint32_t KallsymsNames::word(size_t position) const {
  uint32_t value;
  std::memcpy(&value, &blob_[position], sizeof value);
  return value;
}

// Whether the kernel's own markers are behind the names and match. Labels are aligned to 8 bytes, from 7.0 on
// to 4.
bool KallsymsNames::markers_follow(const Index& index, size_t end) const {
  const size_t bytes = index.groups.size() * sizeof(uint32_t);
  for (const uint64_t alignment : {4, 8}) {
    const size_t position = align_up(address_ + end, alignment) - address_;
    if (position <= blob_.size() && bytes <= blob_.size() - position &&
        std::memcmp(&blob_[position], index.groups.data(), bytes) == 0)
      return true;
  }
  return false;
}

// The chain of names is broken: some are damaged or lost. The markers, wherever they are, have the start of
// each group; a group that does not end where the next begins is lost.
std::optional<KallsymsNames::Index> KallsymsNames::resume_by_markers(NameLength encoding) const {
  const size_t number = groups();
  const size_t bytes = number * sizeof(uint32_t);
  if (number < 2 || blob_.size() < bytes) return std::nullopt;
  int candidates = 0;
  for (size_t at = align_up(address_, 4) - address_; at <= blob_.size() - bytes; at += 4) {
    if (word(at) != 0) continue;
    const auto marker = [this, at](size_t group) { return word(at + group * sizeof(uint32_t)); };
    size_t rising = 1;
    while (rising < number && marker(rising) > marker(rising - 1)) ++rising;
    if (rising < number || marker(number - 1) >= at) continue;
    if (++candidates > kMaxCandidates) break;
    Index index{encoding, std::vector<uint32_t>(number, kLost)};
    for (size_t group = 0; group < number; ++group) {
      size_t position = marker(group);
      if (!skip_group(group, position, encoding)) continue;
      if (group + 1 < number ? position == marker(group + 1) : position <= at)
        index.groups[group] = marker(group);
    }
    if (index.lost_groups() < number) return index;
  }
  return std::nullopt;
}

void KallsymsNames::drop_groups_in_holes(Index& index) const {
  if (holes_.empty()) return;
  for (size_t group = 0; group < index.groups.size(); ++group) {
    if (index.groups[group] == kLost) continue;
    size_t end = index.groups[group];
    skip_group(group, end, index.encoding);
    for (const auto& hole : holes_) {
      if (index.groups[group] < hole.end && hole.begin < end) index.groups[group] = kLost;
    }
  }
}

void KallsymsNames::expand(ByteSpan tokens, std::string& out) const {
  out.clear();
  for (const std::byte token : tokens) out += tokens_[token].substr(0, kMaxLetters - out.size());
}

char KallsymsNames::type(size_t index) const {
  std::string name;
  walk(index, [&](size_t, ByteSpan tokens) {
    expand(tokens, name);
    return false;
  });
  return name.empty() ? '?' : name.front();
}

// Finds names without decoding most of them: candidates are selected by length and last letter, which the
// tokens give directly.
class KallsymsNames::Search {
 public:
  Search(const KallsymsNames& names, const std::vector<std::string_view>& wanted) : names_(names) {
    for (const std::string_view name : wanted) {
      if (!name.empty() && name.size() < kMaxLetters) wanted_->set(key(name.size() + 1, name.back()));
    }
  }

  // found(index, name) for all candidates, with false positives; until it returns false.
  template <typename Found>
  void run(const Found& found) {
    std::string name;
    names_.walk(0, [&](size_t index, ByteSpan tokens) {
      size_t letters = 0;
      std::byte last{};
      for (const std::byte token : tokens) {
        const size_t length = names_.tokens_.length(token);
        letters += length;
        if (length > 0) last = token;
      }
      if (letters < 2 || letters > kMaxLetters || !wanted_->test(key(letters, names_.tokens_[last].back())))
        return true;
      names_.expand(tokens, name);
      return found(index, std::string_view(name).substr(1));
    });
  }

 private:
  static constexpr size_t kLetters = 256;
  static size_t key(size_t letters, char last) {
    return letters % kMaxLetters * kLetters + static_cast<uint8_t>(last);
  }

  const KallsymsNames& names_;
  std::unique_ptr<std::bitset<kMaxLetters * kLetters>> wanted_ =
      std::make_unique<std::bitset<kMaxLetters * kLetters>>();
};

std::vector<std::optional<size_t>> KallsymsNames::find(const std::vector<std::string_view>& names) const {
  std::vector<std::optional<size_t>> found(names.size());
  std::vector<size_t> order;  // of `names`, sorted, without those that are found
  for (size_t at = 0; at < names.size(); ++at) order.push_back(at);
  const auto name_of = [&names](size_t at) { return names[at]; };
  std::ranges::sort(order, {}, name_of);
  Search(*this, names).run([&](size_t index, std::string_view name) {
    const auto matches = std::ranges::equal_range(order, name, {}, name_of);
    for (const size_t at : matches) found[at] = index;
    order.erase(matches.begin(), matches.end());
    return !order.empty();
  });
  return found;
}

std::vector<size_t> KallsymsNames::find_all(std::string_view name) const {
  std::vector<size_t> found;
  Search(*this, {name}).run([&](size_t index, std::string_view candidate) {
    if (candidate == name) found.push_back(index);
    return true;
  });
  return found;
}

}  // namespace lifeboat
