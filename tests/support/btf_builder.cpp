// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/btf_builder.h"

#include <algorithm>

namespace lifeboat::test {
namespace {

void append_words(std::vector<std::byte>& bytes, const std::vector<uint32_t>& words) {
  const auto part = std::as_bytes(std::span(words));
  bytes.insert(bytes.end(), part.begin(), part.end());
}

}  // namespace

BtfBuilder BtfBuilder::split_from(const BtfBuilder& base) {
  BtfBuilder builder;
  builder.next_id_ = base.next_id_;
  builder.first_name_ = static_cast<uint32_t>(base.names_.size());
  builder.names_.clear();
  return builder;
}

uint32_t BtfBuilder::name(const std::string& text) {
  if (text.empty()) return 0;
  const auto offset = first_name_ + static_cast<uint32_t>(names_.size());
  names_ += text;
  names_ += '\0';
  return offset;
}

TypeId BtfBuilder::raw(const std::string& text, uint32_t kind, bool flag, uint32_t count,
                       uint32_t size_or_type, const std::vector<uint32_t>& extra) {
  types_.insert(types_.end(), {name(text), kind << 24 | count | (flag ? 1u << 31 : 0), size_or_type});
  types_.insert(types_.end(), extra.begin(), extra.end());
  return next_id_++;
}

TypeId BtfBuilder::integer(const std::string& text, uint32_t size, Encoding encoding) {
  return raw(text, 1, false, 0, size, {static_cast<uint32_t>(encoding) << 24 | size * 8});
}

TypeId BtfBuilder::compound(uint32_t kind, const std::string& text, uint32_t size,
                            const std::vector<Member>& members) {
  const bool has_bit_fields =
      std::ranges::any_of(members, [](const Member& member) { return member.bit_size != 0; });
  std::vector<uint32_t> extra;
  for (const auto& member : members)
    extra.insert(extra.end(), {name(member.name), member.type, member.bit_size << 24 | member.bit_offset});
  return raw(text, kind, has_bit_fields, static_cast<uint32_t>(members.size()), size, extra);
}

TypeId BtfBuilder::structure(const std::string& text, uint32_t size, const std::vector<Member>& members) {
  return compound(4, text, size, members);
}
TypeId BtfBuilder::union_type(const std::string& text, uint32_t size, const std::vector<Member>& members) {
  return compound(5, text, size, members);
}

TypeId BtfBuilder::enumeration(const std::string& text, const Names& values, bool is_signed) {
  std::vector<uint32_t> extra;
  for (const auto& [value_name, value] : values)
    extra.insert(extra.end(), {name(value_name), static_cast<uint32_t>(value)});
  return raw(text, 6, is_signed, static_cast<uint32_t>(values.size()), 4, extra);
}

TypeId BtfBuilder::enumeration64(const std::string& text, const Names& values, bool is_signed) {
  std::vector<uint32_t> extra;
  for (const auto& [value_name, value] : values) {
    extra.insert(extra.end(), {name(value_name), static_cast<uint32_t>(value),
                               static_cast<uint32_t>(static_cast<uint64_t>(value) >> 32)});
  }
  return raw(text, 19, is_signed, static_cast<uint32_t>(values.size()), 8, extra);
}

TypeId BtfBuilder::prototype(TypeId result, const Parameters& parameters) {
  std::vector<uint32_t> extra;
  for (const auto& [parameter, type] : parameters) extra.insert(extra.end(), {name(parameter), type});
  return raw("", 13, false, static_cast<uint32_t>(parameters.size()), result, extra);
}

TypeId BtfBuilder::section(const std::string& text, const std::vector<TypeId>& variables) {
  std::vector<uint32_t> extra;
  for (const TypeId variable : variables) extra.insert(extra.end(), {variable, 0, 8});
  return raw(text, 15, false, static_cast<uint32_t>(variables.size()), 8, extra);
}

std::vector<std::byte> BtfBuilder::build() const {
  const auto type_length = static_cast<uint32_t>(types_.size() * sizeof(uint32_t));
  const auto name_length = static_cast<uint32_t>(names_.size());
  const bool with_layouts = !fields.layouts.empty();
  std::vector<std::byte> bytes;
  append_words(bytes, {fields.magic | uint32_t{fields.version} << 16,
                       with_layouts ? 32 : fields.header_length, static_cast<uint32_t>(fields.type_offset),
                       type_length + static_cast<uint32_t>(fields.type_length),
                       type_length + static_cast<uint32_t>(fields.name_offset),
                       name_length + static_cast<uint32_t>(fields.name_length)});
  if (with_layouts)
    append_words(bytes, {type_length + name_length, static_cast<uint32_t>(fields.layouts.size() * 4)});
  append_words(bytes, types_);
  const auto text = as_byte_span(names_);
  bytes.insert(bytes.end(), text.begin(), text.end());
  for (const auto& [fixed, element] : fields.layouts)
    bytes.insert(bytes.end(), {std::byte{fixed}, std::byte{element}, std::byte{0}, std::byte{0}});
  return bytes;
}

BtfBuilder small_kernel_btf() {
  using Encoding = BtfBuilder::Encoding;
  BtfBuilder builder;
  const TypeId int_type = builder.integer("int", 4, Encoding::is_signed);
  const TypeId unsigned_int = builder.integer("unsigned int", 4);
  const TypeId unsigned_long = builder.integer("long unsigned int", 8);
  const TypeId char_type = builder.integer("char", 1, Encoding::is_signed);
  const TypeId bool_type = builder.integer("_Bool", 1, Encoding::boolean);
  const TypeId list = builder.next_id() + 1;
  const TypeId list_pointer = builder.pointer(list);
  builder.structure("list_head", 16, {{"next", list_pointer, 0}, {"prev", list_pointer, 64}});
  const TypeId pid = builder.type_definition("pid_t", int_type);
  const TypeId state = builder.enumeration("state", {{"RUNNING", 0}, {"SLEEPING", 2}});
  const TypeId comm = builder.array(char_type, 16);
  const TypeId anonymous = builder.union_type("", 8, {{"cpu", int_type, 0}, {"word", unsigned_long, 0}});
  const TypeId ports = builder.array(unsigned_int, 4);
  const TypeId text = builder.pointer(builder.const_type(char_type));
  const TypeId nameless = builder.pointer(0);
  const TypeId task = builder.next_id() + 1;
  const TypeId task_pointer = builder.pointer(task);
  builder.structure("task_struct", 104,
                    {{"state", state, 0},
                     {"pid", pid, 32},
                     {"comm", comm, 64},
                     {"tasks", list, 192},
                     {"", anonymous, 320},
                     {"parent", task_pointer, 384},
                     {"low", int_type, 448, 3},
                     {"high", unsigned_int, 451, 13},
                     {"ports", ports, 480},
                     {"alive", bool_type, 608},
                     {"name", text, 640},
                     {"private", nameless, 704},
                     {"stack", unsigned_long, 768}});
  const TypeId run_queue =
      builder.structure("rq", 16, {{"nr_running", unsigned_int, 0}, {"curr", task_pointer, 64}});
  builder.section(".data..percpu", {builder.variable("runqueues", run_queue)});
  return builder;
}

}  // namespace lifeboat::test
