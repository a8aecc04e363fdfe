// SPDX-License-Identifier: GPL-2.0-or-later
// BTF: the kernel's own type information (Documentation/bpf/btf.rst, include/uapi/linux/btf.h), read lazily
// from the dump's memory: vmlinux's between __start_BTF and __stop_BTF, a module's split on top of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// qualifier: const, volatile, restrict, and type tags (__user, __rcu).
enum class TypeKind {
  void_type,
  integer,
  pointer,
  array,
  structure,
  union_type,
  enumeration,
  forward,
  type_definition,
  qualifier,
  function,
  function_prototype,
  variable,
  section,
  floating,
  other
};

using TypeId = uint32_t;  // 0: void

struct TypeMember {
  std::string_view name;  // empty: an anonymous struct or union
  TypeId type = 0;
  uint32_t bit_offset = 0;
  uint32_t bit_size = 0;  // 0: not a bit-field; at most 64
};

struct TypeInfo {
  TypeKind kind = TypeKind::void_type;
  std::string_view name;
  TypeId target = 0;   // of pointer, qualifier, typedef, variable; array's element, function's prototype,
                       // prototype's result
  uint64_t size = 0;   // bytes; of integer, struct, union, enum, float, pointer
  uint32_t count = 0;  // members, array elements, enumerators, parameters
  bool is_signed = false;
  bool is_bool = false;
  bool is_char = false;  // plain char: an array of it is text; u8 and unsigned char are numbers
};

// Where a member path leads: "thread.sp", through anonymous members too; an index may follow ("comm[0]").
struct MemberPlace {
  TypeId type = 0;
  uint64_t offset = 0;  // bytes from the beginning of the outer type
  uint32_t bit_offset = 0;
  uint32_t bit_size = 0;  // of a bit-field, counted from the byte at `offset`; 0: a whole object
};

// Not for use by several threads at once: the index of names and derived types are created on demand. The
// names that it returns point into the blob. A split Btf also has its base's types, under the base's numbers.
class Btf {
 public:
  // Takes the blob. `base` (vmlinux's, for a module's split BTF) must outlive this object and not be moved.
  // Indexes the types by one walk; `corrupt` or `truncated` for an inconsistent blob. What the walk does not
  // check (numbers of other types, names of members) is checked when it is used: later reads cannot be out of
  // bounds or loop for ever.
  static Result<Btf> parse(std::vector<std::byte> blob, const Btf* base = nullptr);
  Btf(Btf&&) noexcept;
  Btf& operator=(Btf&&) noexcept;
  ~Btf();

  // The types are 1 .. last_id().
  [[nodiscard]] TypeId last_id() const;
  // The first type of that kind and name: "task_struct" as structure. A split Btf looks into its own types
  // first.
  [[nodiscard]] std::optional<TypeId> find(TypeKind kind, std::string_view name) const;
  // C spelling: "struct task_struct", "unsigned int", "pid_t", "struct list_head *", "char [16]". A bare name
  // that is no typedef may be a struct, union or enum. `not_found` for a type that the kernel does not have,
  // `usage` for text that is no type.
  [[nodiscard]] Result<TypeId> parse_type_name(std::string_view text) const;
  // Types derived from others, whether or not the kernel uses them. They exist in this object only.
  [[nodiscard]] TypeId pointer_to(TypeId target) const;
  [[nodiscard]] TypeId array_of(TypeId element, uint32_t count) const;

  [[nodiscard]] Result<TypeInfo> type(TypeId id) const;
  // Through typedefs and qualifiers; bounded.
  [[nodiscard]] Result<TypeId> strip(TypeId id) const;
  [[nodiscard]] Result<uint64_t> size_of(TypeId id) const;
  // Both look through typedefs and qualifiers.
  [[nodiscard]] Result<std::vector<TypeMember>> members(TypeId id) const;
  [[nodiscard]] Result<std::vector<std::pair<std::string_view, int64_t>>> enumerators(TypeId id) const;
  // `not_found` names the missing member. Also to test whether a member exists.
  [[nodiscard]] Result<MemberPlace> member(TypeId outer, std::string_view path) const;
  // The member of `outer`, or of its anonymous members, whose name is nearest to `name`; empty: none is near.
  [[nodiscard]] std::string_view nearest_member(TypeId outer, std::string_view name) const;
  // The type of a per-CPU variable or other variable in BTF (BTF_KIND_VAR).
  [[nodiscard]] std::optional<TypeId> variable(std::string_view name) const;
  // As C spells it: "struct list_head *", "int (*)(struct file *)".
  [[nodiscard]] std::string name_of(TypeId id) const;
  // As a header declares it, with offsets, e.g. for `inspect DUMP type NAME`. Ends with a new line.
  [[nodiscard]] Result<std::string> declaration(TypeId id) const;

  struct State;  // btf_state.h

 private:
  explicit Btf(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lifeboat
