// SPDX-License-Identifier: GPL-2.0-or-later
// What a Btf holds, shared by the files that implement it. Format: include/uapi/linux/btf.h.
#pragma once

#include <array>
#include <deque>
#include <vector>

#include "src/vmcore/btf.h"

namespace lifeboat {

enum class BtfKind : uint8_t {
  void_type = 0,
  integer = 1,
  pointer = 2,
  array = 3,
  structure = 4,
  union_type = 5,
  enumeration = 6,
  forward = 7,
  type_definition = 8,
  volatile_type = 9,
  const_type = 10,
  restrict_type = 11,
  function = 12,
  prototype = 13,
  variable = 14,
  section = 15,
  floating = 16,
  declaration_tag = 17,
  type_tag = 18,
  enumeration64 = 19,
  // Everything above: only its size is known, from the blob's layout section (7.1 and later).
};

// One type as it lies in the blob.
struct RawType {
  BtfKind kind = BtfKind::void_type;
  bool flag = false;          // its meaning depends on the kind
  uint32_t count = 0;         // of the elements in `extra`
  uint32_t size_or_type = 0;  // depends on the kind
  std::string_view name;
  ByteSpan extra;  // what follows the type's header; its size fits kind and count

  // The 32-bit word `index` of extra; the caller has checked that it exists.
  [[nodiscard]] uint32_t word(size_t index) const {
    uint32_t value;
    std::memcpy(&value, extra.subspan(index * sizeof value, sizeof value).data(), sizeof value);
    return value;
  }
  [[nodiscard]] bool is_qualifier() const {
    return kind == BtfKind::const_type || kind == BtfKind::volatile_type || kind == BtfKind::restrict_type ||
           kind == BtfKind::type_tag;
  }
  [[nodiscard]] bool is_enumeration() const {
    return kind == BtfKind::enumeration || kind == BtfKind::enumeration64;
  }
  [[nodiscard]] bool is_compound() const { return kind == BtfKind::structure || kind == BtfKind::union_type; }
};

// How many typedefs, qualifiers, arrays or anonymous members may lie inside each other (the kernel's own
// limit, MAX_RESOLVE_DEPTH, is 32), and how many members one look-up may visit: a hostile blob can nest a
// struct in itself.
inline constexpr unsigned kMaxTypeDepth = 32;
inline constexpr unsigned kMaxMembersVisited = 1u << 20;

struct Btf::State {
  // Sizes in bytes of what follows the 12 bytes that each type begins with.
  struct Layout {
    uint8_t fixed = 0;
    uint8_t element = 0;
  };
  struct Derived {
    BtfKind kind;
    TypeId target;
    std::array<uint32_t, 3> array;  // struct btf_array
  };
  // The names of the types, hashed. Chains keep a build linear whatever the names are.
  struct NameIndex {
    std::vector<TypeId> first;  // of each chain, 0: empty
    std::vector<TypeId> next;   // by the type's place in `offsets`
  };

  std::vector<std::byte> blob;
  const State* base = nullptr;
  TypeId first_id = 1;      // lower ones are the base's
  uint32_t first_name = 0;  // lower offsets are into the base's names
  ByteSpan types, names;    // within blob
  std::array<Layout, 128> layouts;
  std::array<bool, 128> known{};
  std::vector<uint32_t> offsets;  // of type first_id + index, in `types`
  // Kernels before 6.0 never set the flag that makes an enum signed.
  bool enum_signs_known = false;
  mutable NameIndex name_index;
  mutable std::deque<Derived> derived;  // numbered from kFirstDerived

  [[nodiscard]] TypeId end_id() const { return first_id + static_cast<TypeId>(offsets.size()); }
  [[nodiscard]] Result<RawType> raw(TypeId id) const;
  [[nodiscard]] Result<std::string_view> name(uint32_t offset) const;
  // Through typedefs and qualifiers.
  struct Stripped {
    TypeId id;
    RawType raw;
  };
  [[nodiscard]] Result<Stripped> strip(TypeId id) const;
  [[nodiscard]] Result<TypeMember> member(const RawType& compound, uint32_t index) const;
  [[nodiscard]] int64_t enum_value(const RawType& enumeration, uint32_t index) const;

  Result<> read_header();
  Result<> read_layouts(uint32_t offset, uint32_t length);
  Result<> walk();
  void build_index() const;
};

// Ids above all that a blob can have (its types are 12 bytes or more, its size 32 bits).
inline constexpr TypeId kFirstDerived = 0x80000000;

TypeKind kind_of(BtfKind kind);

}  // namespace lifeboat
