// SPDX-License-Identifier: GPL-2.0-or-later
// Parsing and looking up. Every type begins with name offset, info and size-or-type, 4 bytes each; what
// follows depends on its kind and count, so that the place of type N is known only after a walk over all
// before it.
#include "src/vmcore/btf.h"

#include <algorithm>
#include <bit>

#include "src/vmcore/btf_state.h"

namespace lifeboat {
namespace {

constexpr uint16_t kMagic = 0xeb9f;
constexpr uint32_t kTypeHeader = 12;
constexpr uint32_t kMaxBlob = 256u << 20;  // vmlinux's are 4 to 10 MiB
// Since 7.1 bits 0-23 of info are the count and 24-30 the kind; before, unused bits in between were zero.
constexpr uint32_t kCountMask = 0xffffff;
constexpr uint32_t kKindMask = 0x7f;

struct Header {
  uint16_t magic;
  uint8_t version;
  uint8_t flags;
  uint32_t header_length;
  // In bytes, from the end of the header.
  uint32_t type_offset, type_length;
  uint32_t name_offset, name_length;
};
static_assert(sizeof(Header) == 24);

struct KnownLayout {
  BtfKind kind;
  Btf::State::Layout layout;
};
constexpr KnownLayout kLayouts[] = {
    {BtfKind::integer, {4, 0}},        {BtfKind::pointer, {0, 0}},         {BtfKind::array, {12, 0}},
    {BtfKind::structure, {0, 12}},     {BtfKind::union_type, {0, 12}},     {BtfKind::enumeration, {0, 8}},
    {BtfKind::forward, {0, 0}},        {BtfKind::type_definition, {0, 0}}, {BtfKind::volatile_type, {0, 0}},
    {BtfKind::const_type, {0, 0}},     {BtfKind::restrict_type, {0, 0}},   {BtfKind::function, {0, 0}},
    {BtfKind::prototype, {0, 8}},      {BtfKind::variable, {4, 0}},        {BtfKind::section, {0, 12}},
    {BtfKind::floating, {0, 0}},       {BtfKind::declaration_tag, {4, 0}}, {BtfKind::type_tag, {0, 0}},
    {BtfKind::enumeration64, {0, 12}},
};

uint32_t hash_name(const char* name, size_t length) {
  uint32_t hash = 2166136261u;  // FNV-1a
  for (size_t index = 0; index < length; ++index)
    hash = (hash ^ static_cast<unsigned char>(name[index])) * 16777619u;
  return hash ^ (hash >> 15);
}

}  // namespace

TypeKind kind_of(BtfKind kind) {
  switch (kind) {
    case BtfKind::void_type:
      return TypeKind::void_type;
    case BtfKind::integer:
      return TypeKind::integer;
    case BtfKind::pointer:
      return TypeKind::pointer;
    case BtfKind::array:
      return TypeKind::array;
    case BtfKind::structure:
      return TypeKind::structure;
    case BtfKind::union_type:
      return TypeKind::union_type;
    case BtfKind::enumeration:
    case BtfKind::enumeration64:
      return TypeKind::enumeration;
    case BtfKind::forward:
      return TypeKind::forward;
    case BtfKind::type_definition:
      return TypeKind::type_definition;
    case BtfKind::volatile_type:
    case BtfKind::const_type:
    case BtfKind::restrict_type:
    case BtfKind::type_tag:
      return TypeKind::qualifier;
    case BtfKind::function:
      return TypeKind::function;
    case BtfKind::prototype:
      return TypeKind::function_prototype;
    case BtfKind::variable:
      return TypeKind::variable;
    case BtfKind::section:
      return TypeKind::section;
    case BtfKind::floating:
      return TypeKind::floating;
    case BtfKind::declaration_tag:
      break;
  }
  return TypeKind::other;
}

Result<> Btf::State::read_header() {
  if (blob.size() > kMaxBlob)
    return fail(ErrorCode::unsupported, "BTF of {} bytes is larger than any kernel's", blob.size());
  const auto header = TRY(load<Header>(blob, 0, "BTF header"));
  if (header.magic != kMagic)
    return fail(ErrorCode::corrupt, "BTF begins with {:#x} instead of {:#x}", header.magic, kMagic);
  if (header.version != 1)
    return fail(ErrorCode::unsupported, "BTF has version {}; only version 1 is supported", header.version);
  if (header.header_length < sizeof(Header))
    return fail(ErrorCode::corrupt, "BTF header has an invalid length of {} bytes", header.header_length);
  const uint64_t data = header.header_length;
  types = TRY(slice(blob, data + header.type_offset, header.type_length, "types of the BTF"));
  names = TRY(slice(blob, data + header.name_offset, header.name_length, "names of the BTF"));
  // A split blob may do without names of its own.
  if (names.empty() ? base == nullptr : names.back() != std::byte{0})
    return fail(ErrorCode::corrupt, "the names of the BTF do not end with a NUL");
  if (!base && names.front() != std::byte{0})
    return fail(ErrorCode::corrupt, "the names of the BTF do not begin with the empty one");
  for (const auto& entry : kLayouts) {
    layouts[static_cast<size_t>(entry.kind)] = entry.layout;
    known[static_cast<size_t>(entry.kind)] = true;
  }
  constexpr uint32_t kWithLayout = sizeof(Header) + 2 * sizeof(uint32_t);
  if (header.header_length < kWithLayout) return {};
  const auto offset = TRY(load<uint32_t>(blob, sizeof(Header), "BTF header"));
  const auto length = TRY(load<uint32_t>(blob, sizeof(Header) + sizeof(uint32_t), "BTF header"));
  return read_layouts(header.header_length + offset, length);
}

// Reads the sizes of kinds that are newer than this program (struct btf_layout, 7.1), so that they can be
// skipped.
Result<> Btf::State::read_layouts(uint32_t offset, uint32_t length) {
  struct Entry {
    Layout layout;
    uint16_t flags;
  };
  const ByteSpan section = TRY(slice(blob, offset, length, "layouts of the BTF"));
  const size_t count = std::min(section.size() / sizeof(Entry), layouts.size());
  for (size_t kind = 1; kind < count; ++kind) {
    if (known[kind]) continue;
    layouts[kind] = TRY(load<Entry>(section, kind * sizeof(Entry), "layouts of the BTF")).layout;
    known[kind] = true;
  }
  return {};
}

Result<> Btf::State::walk() {
  offsets.reserve(types.size() / 20);
  const uint64_t end_name = uint64_t{first_name} + names.size();
  uint64_t offset = 0;
  while (offset < types.size()) {
    const TypeId id = end_id();
    if (types.size() - offset < kTypeHeader)
      return fail(ErrorCode::truncated, "the BTF type data is cut off within type {}", id);
    uint32_t words[3];
    std::memcpy(words, types.data() + offset, sizeof words);
    const auto kind = (words[1] >> 24) & kKindMask;
    if (!known[kind]) {
      return std::unexpected(
          Error(ErrorCode::unsupported, fmt::format("type {} of the BTF is of the unknown kind {}", id, kind))
              .hint("use a newer lifeboat"));
    }
    if (words[0] >= end_name && words[0] != 0)
      return fail(ErrorCode::corrupt, "the name of type {} of the BTF lies outside of the names", id);
    const Layout& layout = layouts[kind];
    const uint64_t size = kTypeHeader + layout.fixed + uint64_t{layout.element} * (words[1] & kCountMask);
    if (types.size() - offset < size)
      return fail(ErrorCode::truncated, "the BTF type data is cut off within type {}", id);
    if (kind == static_cast<uint32_t>(BtfKind::enumeration)) enum_signs_known |= words[1] >> 31 != 0;
    offsets.push_back(static_cast<uint32_t>(offset));
    offset += size;
  }
  return {};
}

Result<Btf> Btf::parse(std::vector<std::byte> blob, const Btf* base) {
  auto state = std::make_unique<State>();
  state->blob = std::move(blob);
  if (base) {
    state->base = base->state_.get();
    state->first_id = state->base->end_id();
    state->first_name = state->base->first_name + static_cast<uint32_t>(state->base->names.size());
    state->enum_signs_known = state->base->enum_signs_known;
  }
  TRY_VOID(state->read_header());
  TRY_VOID(state->walk());
  return Btf(std::move(state));
}

Btf::Btf(std::unique_ptr<State> state) : state_(std::move(state)) {}
Btf::Btf(Btf&&) noexcept = default;
Btf& Btf::operator=(Btf&&) noexcept = default;
Btf::~Btf() = default;

Result<std::string_view> Btf::State::name(uint32_t offset) const {
  if (offset < first_name) return base->name(offset);
  offset -= first_name;
  if (offset == 0 && names.empty()) return "";
  if (offset >= names.size()) return fail(ErrorCode::corrupt, "a name of the BTF lies outside of its names");
  // The last name is known to end.
  return reinterpret_cast<const char*>(names.data()) + offset;
}

Result<RawType> Btf::State::raw(TypeId id) const {
  RawType type;
  if (id == 0) return type;
  if (id >= kFirstDerived && id - kFirstDerived < derived.size()) {
    const Derived& own = derived[id - kFirstDerived];
    type.kind = own.kind;
    type.size_or_type = own.target;
    type.extra = object_bytes(own.array);
    return type;
  }
  if (id < first_id) return base->raw(id);
  if (id - first_id >= offsets.size())
    return fail(ErrorCode::corrupt, "there is no type {} in the BTF: it ends with {}", id, end_id() - 1);
  const ByteSpan bytes = types.subspan(offsets[id - first_id]);
  uint32_t words[3];
  std::memcpy(words, bytes.data(), sizeof words);
  type.kind = static_cast<BtfKind>((words[1] >> 24) & kKindMask);
  type.flag = words[1] >> 31 != 0;
  type.count = words[1] & kCountMask;
  type.size_or_type = words[2];
  type.name = TRY(name(words[0]));
  const Layout& layout = layouts[static_cast<size_t>(type.kind)];
  type.extra = bytes.subspan(kTypeHeader, layout.fixed + uint64_t{layout.element} * type.count);
  return type;
}

Result<Btf::State::Stripped> Btf::State::strip(TypeId id) const {
  for (unsigned depth = 0; depth < kMaxTypeDepth; ++depth) {
    const RawType type = TRY(raw(id));
    if (!type.is_qualifier() && type.kind != BtfKind::type_definition) return Stripped{id, type};
    id = type.size_or_type;
  }
  return fail(ErrorCode::corrupt, "the typedefs of type {} of the BTF do not end", id);
}

void Btf::State::build_index() const {
  NameIndex built;
  // A chain of two to four names each, on average.
  built.first.resize(std::bit_ceil(offsets.size() / 4 + 1));
  built.next.resize(offsets.size());
  // From the last to the first, so that a chain begins with the first.
  for (TypeId id = end_id(); id-- > first_id;) {
    uint32_t offset;
    std::memcpy(&offset, types.data() + offsets[id - first_id], sizeof offset);
    if (offset == 0) continue;
    const auto text = name(offset);
    if (!text || text->empty()) continue;
    TypeId& first = built.first[hash_name(text->data(), text->size()) & (built.first.size() - 1)];
    built.next[id - first_id] = first;
    first = id;
  }
  name_index = std::move(built);
}

TypeId Btf::last_id() const {
  return state_->end_id() - 1;
}

std::optional<TypeId> Btf::find(TypeKind kind, std::string_view name) const {
  if (name.empty()) return std::nullopt;
  for (const State* state = state_.get(); state; state = state->base) {
    if (state->name_index.first.empty()) state->build_index();
    const auto& names = state->name_index;
    for (TypeId id = names.first[hash_name(name.data(), name.size()) & (names.first.size() - 1)]; id != 0;
         id = names.next[id - state->first_id]) {
      const auto raw = state->raw(id);
      if (raw && raw->name == name && kind_of(raw->kind) == kind) return id;
    }
  }
  return std::nullopt;
}

TypeId Btf::pointer_to(TypeId target) const {
  auto& derived = state_->derived;
  for (size_t index = 0; index < derived.size(); ++index) {
    if (derived[index].kind == BtfKind::pointer && derived[index].target == target)
      return kFirstDerived + static_cast<TypeId>(index);
  }
  derived.push_back({BtfKind::pointer, target, {}});
  return kFirstDerived + static_cast<TypeId>(derived.size() - 1);
}

TypeId Btf::array_of(TypeId element, uint32_t count) const {
  auto& derived = state_->derived;
  for (size_t index = 0; index < derived.size(); ++index) {
    const auto& other = derived[index];
    if (other.kind == BtfKind::array && other.array[0] == element && other.array[2] == count)
      return kFirstDerived + static_cast<TypeId>(index);
  }
  derived.push_back({BtfKind::array, 0, {element, 0, count}});
  return kFirstDerived + static_cast<TypeId>(derived.size() - 1);
}

Result<TypeInfo> Btf::type(TypeId id) const {
  const RawType raw = TRY(state_->raw(id));
  TypeInfo info;
  info.kind = kind_of(raw.kind);
  info.name = raw.name;
  info.count = raw.count;
  switch (info.kind) {
    case TypeKind::integer: {
      constexpr uint32_t kSigned = 1u << 24, kBool = 1u << 26;
      info.size = raw.size_or_type;
      info.is_signed = (raw.word(0) & kSigned) != 0;
      info.is_bool = (raw.word(0) & kBool) != 0;
      info.is_char = raw.name == "char";
      break;
    }
    case TypeKind::enumeration:
      info.size = raw.size_or_type;
      info.is_signed = raw.flag || (raw.kind == BtfKind::enumeration && !state_->enum_signs_known);
      break;
    case TypeKind::structure:
    case TypeKind::union_type:
    case TypeKind::floating:
    case TypeKind::section:
      info.size = raw.size_or_type;
      break;
    case TypeKind::array:
      info.target = raw.word(0);
      info.count = raw.word(2);
      break;
    case TypeKind::pointer:
      info.size = sizeof(uint64_t);
      info.target = raw.size_or_type;
      break;
    case TypeKind::type_definition:
    case TypeKind::qualifier:
    case TypeKind::variable:
    case TypeKind::function:
    case TypeKind::function_prototype:
      info.target = raw.size_or_type;
      break;
    case TypeKind::void_type:
    case TypeKind::forward:
    case TypeKind::other:
      break;
  }
  return info;
}

Result<TypeId> Btf::strip(TypeId id) const {
  return TRY(state_->strip(id)).id;
}

Result<uint64_t> Btf::size_of(TypeId id) const {
  uint64_t elements = 1;
  for (unsigned depth = 0; depth < kMaxTypeDepth; ++depth) {
    const TypeInfo info = TRY(type(TRY(strip(id))));
    if (info.kind != TypeKind::array) {
      uint64_t size;
      if (info.size == 0 && info.kind != TypeKind::structure && info.kind != TypeKind::union_type)
        return fail(ErrorCode::usage, "{} has no size", name_of(id));
      if (__builtin_mul_overflow(elements, info.size, &size))
        return fail(ErrorCode::corrupt, "the array of {} is larger than memory", name_of(id));
      return size;
    }
    if (__builtin_mul_overflow(elements, info.count, &elements))
      return fail(ErrorCode::corrupt, "the array of {} is larger than memory", name_of(info.target));
    id = info.target;
  }
  return fail(ErrorCode::corrupt, "the arrays in type {} of the BTF do not end", id);
}

std::optional<TypeId> Btf::variable(std::string_view name) const {
  const auto id = find(TypeKind::variable, name);
  if (!id) return std::nullopt;
  const auto info = type(*id);
  if (!info) return std::nullopt;
  return info->target;
}

}  // namespace lifeboat
