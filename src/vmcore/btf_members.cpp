// SPDX-License-Identifier: GPL-2.0-or-later
// Members of structs and unions, by list and by path; enumerators.
#include <algorithm>
#include <charconv>

#include "src/base/spelling.h"
#include "src/vmcore/btf_state.h"

namespace lifeboat {

Result<TypeMember> Btf::State::member(const RawType& compound, uint32_t index) const {
  TypeMember member;
  member.name = TRY(name(compound.word(size_t{index} * 3)));
  member.type = compound.word(size_t{index} * 3 + 1);
  const uint32_t place = compound.word(size_t{index} * 3 + 2);
  member.bit_offset = compound.flag ? place & 0xffffff : place;
  member.bit_size = compound.flag ? place >> 24 : 0;
  if (member.bit_size > 64) {
    return fail(ErrorCode::corrupt, "the bit-field '{}' of '{}' in the BTF has {} bits", member.name,
                compound.name, member.bit_size);
  }
  return member;
}

int64_t Btf::State::enum_value(const RawType& enumeration, uint32_t index) const {
  if (enumeration.kind == BtfKind::enumeration64) {
    return static_cast<int64_t>(enumeration.word(index * 3 + 1) | uint64_t{enumeration.word(index * 3 + 2)}
                                                                      << 32);
  }
  const uint32_t value = enumeration.word(index * 2 + 1);
  const bool is_signed = enumeration.flag || !enum_signs_known;
  return is_signed ? static_cast<int32_t>(value) : int64_t{value};
}

Result<std::vector<TypeMember>> Btf::members(TypeId id) const {
  const auto [stripped, raw] = TRY(state_->strip(id));
  if (!raw.is_compound()) return fail(ErrorCode::usage, "{} has no members", name_of(id));
  std::vector<TypeMember> members;
  members.reserve(raw.count);
  for (uint32_t index = 0; index < raw.count; ++index) members.push_back(TRY(state_->member(raw, index)));
  return members;
}

Result<std::vector<std::pair<std::string_view, int64_t>>> Btf::enumerators(TypeId id) const {
  const auto [stripped, raw] = TRY(state_->strip(id));
  if (!raw.is_enumeration()) return fail(ErrorCode::usage, "{} is not an enum", name_of(id));
  const size_t words = raw.kind == BtfKind::enumeration64 ? 3 : 2;
  std::vector<std::pair<std::string_view, int64_t>> values;
  values.reserve(raw.count);
  for (uint32_t index = 0; index < raw.count; ++index)
    values.emplace_back(TRY(state_->name(raw.word(index * words))), state_->enum_value(raw, index));
  return values;
}

namespace {

// A walk over the members of a type and of its anonymous members, in order. Bounded in depth and in all.
class MemberSearch {
 public:
  explicit MemberSearch(const Btf::State& state) : state_(state) {}

  // The member `name`, its bit offset counted from the beginning of `outer`; nullopt: there is none.
  Result<std::optional<TypeMember>> find(TypeId outer, std::string_view name) {
    std::optional<TypeMember> found;
    TRY_VOID(visit(outer, 0, 0, [&](const TypeMember& member) {
      if (member.name != name) return true;
      found = member;
      return false;
    }));
    return found;
  }

  // False: the visitor stopped the walk.
  template <typename Visitor>
  Result<bool> visit(TypeId outer, uint32_t bits, unsigned depth, const Visitor& visitor) {
    const auto [id, raw] = TRY(state_.strip(outer));
    if (!raw.is_compound()) return true;
    if (depth >= kMaxTypeDepth)
      return fail(ErrorCode::corrupt, "the anonymous members of type {} of the BTF do not end", outer);
    for (uint32_t index = 0; index < raw.count; ++index) {
      if (++visited_ > kMaxMembersVisited)
        return fail(ErrorCode::corrupt, "type {} of the BTF has too many members", outer);
      TypeMember member = TRY(state_.member(raw, index));
      member.bit_offset += bits;
      const bool more = member.name.empty() && member.bit_size == 0
                            ? TRY(visit(member.type, member.bit_offset, depth + 1, visitor))
                            : visitor(member);
      if (!more) return false;
    }
    return true;
  }

 private:
  const Btf::State& state_;
  unsigned visited_ = 0;
};

// "name[1][2]" of a path, taken apart step by step.
struct PathStep {
  std::string_view name;
  std::vector<uint32_t> indices;
};

Result<PathStep> next_step(std::string_view& path) {
  const std::string_view whole = path;
  const size_t end = path.find('.');
  std::string_view step = path.substr(0, end);
  path = end == std::string_view::npos ? std::string_view() : path.substr(end + 1);
  PathStep result;
  result.name = step.substr(0, step.find('['));
  step.remove_prefix(result.name.size());
  bool good = !result.name.empty() && (end == std::string_view::npos || !path.empty());
  while (good && !step.empty()) {
    uint32_t value = 0;
    const auto [rest, error] = std::from_chars(step.data() + 1, step.data() + step.size(), value);
    const auto used = static_cast<size_t>(rest - step.data());
    good = step.front() == '[' && error == std::errc() && used < step.size() && step[used] == ']';
    if (!good) break;
    result.indices.push_back(value);
    step.remove_prefix(used + 1);
  }
  if (!good)
    return fail(ErrorCode::usage, "'{}' is not a member path such as 'thread.sp' or 'comm[0]'", whole);
  return result;
}

Result<> enter_member(const Btf& btf, const Btf::State& state, std::string_view name, MemberPlace& place) {
  const auto [id, raw] = TRY(state.strip(place.type));
  if (!raw.is_compound()) {
    if (raw.kind == BtfKind::pointer) {
      return fail(ErrorCode::usage, "{} is a pointer: '{}' is a member of another object",
                  btf.name_of(place.type), name);
    }
    return fail(ErrorCode::not_found, "{} has no members, so no '{}'", btf.name_of(place.type), name);
  }
  const auto found = TRY(MemberSearch(state).find(id, name));
  if (!found)
    return fail(ErrorCode::not_found, "{} has no member '{}' in this kernel", btf.name_of(place.type), name);
  place.type = found->type;
  place.offset += found->bit_offset / 8;
  place.bit_offset = found->bit_size != 0 ? found->bit_offset % 8 : 0;
  place.bit_size = found->bit_size;
  return {};
}

Result<> enter_element(const Btf& btf, const Btf::State& state, uint32_t index, MemberPlace& place) {
  const auto [id, raw] = TRY(state.strip(place.type));
  if (raw.kind != BtfKind::array)
    return fail(ErrorCode::usage, "{} is not an array", btf.name_of(place.type));
  place.type = raw.word(0);
  uint64_t distance;
  if (__builtin_mul_overflow(TRY(btf.size_of(place.type)), uint64_t{index}, &distance) ||
      __builtin_add_overflow(place.offset, distance, &place.offset))
    return fail(ErrorCode::corrupt, "element {} of an array is beyond the address space", index);
  return {};
}

}  // namespace

Result<MemberPlace> Btf::member(TypeId outer, std::string_view path) const {
  MemberPlace place;
  place.type = outer;
  do {
    const PathStep step = TRY(next_step(path));
    TRY_VOID(enter_member(*this, *state_, step.name, place));
    for (const uint32_t index : step.indices) TRY_VOID(enter_element(*this, *state_, index, place));
  } while (!path.empty());
  return place;
}

std::string_view Btf::nearest_member(TypeId outer, std::string_view name) const {
  constexpr size_t kLongestName = 128;
  std::string_view nearest;
  size_t best = max_edit_distance(name) + 1;
  if (name.size() > kLongestName) return nearest;
  // For damaged types the members before the damage are enough for a suggestion.
  ignore_result(MemberSearch(*state_).visit(outer, 0, 0, [&](const TypeMember& member) {
    if (member.name.size() > kLongestName) return true;
    const size_t distance = edit_distance(name, member.name);
    if (distance < best) {
      best = distance;
      nearest = member.name;
    }
    return true;
  }));
  return nearest;
}

}  // namespace lifeboat
