// SPDX-License-Identifier: GPL-2.0-or-later
// BTF blobs, type by type. Types are numbered from 1 in the order in which they are added (from the base's
// end, in a split blob), so that a test can refer to one that comes later. Single fields become lies through
// `fields` or raw().
#pragma once

#include <string>
#include <vector>

#include "src/vmcore/btf.h"

namespace lifeboat::test {

struct BtfHeaderFields {
  uint16_t magic = 0xeb9f;
  uint8_t version = 1;
  uint32_t header_length = 24;
  // Added to what is true.
  int32_t type_offset = 0, type_length = 0, name_offset = 0, name_length = 0;
  // Of kinds from 0 on: size of what follows a type, and of each of its elements. Written if not empty, with
  // a header of 32 bytes.
  std::vector<std::pair<uint8_t, uint8_t>> layouts = {};
};

class BtfBuilder {
 public:
  struct Member {
    std::string name;
    TypeId type;
    uint32_t bit_offset;
    uint32_t bit_size = 0;
  };
  using Names = std::vector<std::pair<std::string, int64_t>>;
  using Parameters = std::vector<std::pair<std::string, TypeId>>;

  // Of a split blob, on top of that one as it is now.
  static BtfBuilder split_from(const BtfBuilder& base);

  enum class Encoding : uint32_t { none = 0, is_signed = 1, boolean = 4 };
  TypeId integer(const std::string& name, uint32_t size, Encoding encoding = Encoding::none);
  TypeId pointer(TypeId target) { return raw("", 2, false, 0, target); }
  TypeId array(TypeId element, uint32_t count) { return raw("", 3, false, 0, 0, {element, 1, count}); }
  // Bit-fields are written if one of the members is one.
  TypeId structure(const std::string& name, uint32_t size, const std::vector<Member>& members);
  TypeId union_type(const std::string& name, uint32_t size, const std::vector<Member>& members);
  TypeId enumeration(const std::string& name, const Names& values, bool is_signed = false);
  TypeId enumeration64(const std::string& name, const Names& values, bool is_signed = false);
  TypeId forward(const std::string& name, bool is_union = false) { return raw(name, 7, is_union, 0, 0); }
  TypeId type_definition(const std::string& name, TypeId target) { return raw(name, 8, false, 0, target); }
  TypeId volatile_type(TypeId target) { return raw("", 9, false, 0, target); }
  TypeId const_type(TypeId target) { return raw("", 10, false, 0, target); }
  TypeId restrict_type(TypeId target) { return raw("", 11, false, 0, target); }
  TypeId function(const std::string& name, TypeId prototype) { return raw(name, 12, false, 1, prototype); }
  TypeId prototype(TypeId result, const Parameters& parameters);
  TypeId variable(const std::string& name, TypeId type) { return raw(name, 14, false, 0, type, {1}); }
  TypeId section(const std::string& name, const std::vector<TypeId>& variables);
  TypeId floating(const std::string& name, uint32_t size) { return raw(name, 16, false, 0, size); }
  TypeId declaration_tag(const std::string& name, TypeId type) {
    return raw(name, 17, false, 0, type, {~0u});
  }
  TypeId type_tag(const std::string& name, TypeId type) { return raw(name, 18, false, 0, type); }

  // Any type, true or not.
  TypeId raw(const std::string& name, uint32_t kind, bool flag, uint32_t count, uint32_t size_or_type,
             const std::vector<uint32_t>& extra = {});
  // The offset of a name, which is added; "" is 0.
  uint32_t name(const std::string& text);
  [[nodiscard]] TypeId next_id() const { return next_id_; }

  BtfHeaderFields fields;
  [[nodiscard]] std::vector<std::byte> build() const;
  [[nodiscard]] Btf parse() const { return Btf::parse(build()).value(); }

 private:
  TypeId compound(uint32_t kind, const std::string& name, uint32_t size, const std::vector<Member>& members);

  TypeId next_id_ = 1;
  uint32_t first_name_ = 0;
  std::string names_ = std::string(1, '\0');
  std::vector<uint32_t> types_;
};

// What the tests of expressions and the fuzz targets speak of: integers, struct list_head, struct task_struct
// with a name, a list, bit-fields, anonymous members, an enum, an array and a pointer to itself; per-CPU
// variable "runqueues".
BtfBuilder small_kernel_btf();

}  // namespace lifeboat::test
