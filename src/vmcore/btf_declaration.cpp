// SPDX-License-Identifier: GPL-2.0-or-later
// Types as C spells and declares them. A declarator grows from the name outwards: '*' in front, '[]' and '()'
// behind, until a type is reached that has a name.
#include <fmt/format.h>

#include <algorithm>

#include "src/vmcore/btf_state.h"

namespace lifeboat {
namespace {

// Makes a name of the blob safe for output on terminals.
std::string printable(std::string_view name) {
  std::string text(name);
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

// Empty: a type that has none.
std::string tag_of(const RawType& raw) {
  if (raw.kind == BtfKind::structure) return "struct";
  if (raw.kind == BtfKind::union_type) return "union";
  if (raw.is_enumeration()) return "enum";
  if (raw.kind == BtfKind::forward) return raw.flag ? "union" : "struct";
  return "";
}

class Declarer {
 public:
  explicit Declarer(const Btf::State& state) : state_(state) {}

  // `name` may be empty. Compounds and enums without a name are spelled out in full if `indent` is set.
  Result<std::string> declare(TypeId id, std::string name, std::optional<unsigned> indent,
                              uint64_t bits = 0) {
    std::string qualifiers;
    for (unsigned depth = 0; depth < 2 * kMaxTypeDepth; ++depth) {
      if (++steps_ > kMaxSteps) return too_complex();
      const RawType raw = TRY(state_.raw(id));
      switch (raw.kind) {
        case BtfKind::pointer: {
          const BtfKind target = TRY(state_.raw(raw.size_or_type)).kind;
          name.insert(0, "*");
          if (target == BtfKind::array || target == BtfKind::prototype) name = fmt::format("({})", name);
          id = raw.size_or_type;
          break;
        }
        case BtfKind::array:
          name += raw.word(2) == 0 ? "[]" : fmt::format("[{}]", raw.word(2));
          id = raw.word(0);
          break;
        case BtfKind::prototype:
          name += TRY(parameters(raw));
          id = raw.size_or_type;
          break;
        case BtfKind::const_type:
        case BtfKind::volatile_type:
        case BtfKind::restrict_type:
        case BtfKind::type_tag: {
          const std::string word = qualifier(raw);
          // Of a pointer it stands behind the '*', of all else in front.
          if (TRY(skip_qualifiers(raw.size_or_type)).kind == BtfKind::pointer)
            name = name.empty() ? word : fmt::format("{} {}", word, name);
          else
            qualifiers.append(word).append(" ");
          id = raw.size_or_type;
          break;
        }
        default: {
          const std::string base = TRY(named(raw, indent, bits));
          return qualifiers + base + (name.empty() ? "" : " " + name);
        }
      }
    }
    return fail(ErrorCode::corrupt, "type {} of the BTF does not end", id);
  }

  // "{", members or enumerators, "}".
  Result<std::string> body(const RawType& raw, unsigned indent, uint64_t bits) {
    if (indent > kMaxTypeDepth) return too_complex();
    std::string text = "{\n";
    const std::string tabs(indent + 1, '\t');
    for (uint32_t index = 0; index < raw.count; ++index) {
      if (++steps_ > kMaxSteps) return too_complex();
      if (raw.is_enumeration()) {
        const size_t words = raw.kind == BtfKind::enumeration64 ? 3 : 2;
        text += fmt::format("{}{} = {},\n", tabs, printable(TRY(state_.name(raw.word(index * words)))),
                            state_.enum_value(raw, index));
        continue;
      }
      const TypeMember member = TRY(state_.member(raw, index));
      std::string name = printable(member.name);
      if (member.bit_size != 0) name += fmt::format(":{}", member.bit_size);
      const uint64_t place = bits + member.bit_offset;
      const std::string line = tabs + TRY(declare(member.type, std::move(name), indent + 1, place)) + ";";
      const size_t column = width(line);
      text +=
          fmt::format("{}{:{}}/* {}{} */\n", line, "", kOffsetColumn - std::min(column, kOffsetColumn - 1),
                      place / 8, member.bit_size != 0 ? fmt::format(":{}", place % 8) : "");
    }
    return text + std::string(indent, '\t') + "}";
  }

 private:
  static constexpr unsigned kMaxSteps = 100'000;
  static constexpr size_t kOffsetColumn = 64;

  // Columns that the last line of `text` takes on a terminal.
  static size_t width(std::string_view text) {
    const std::string_view line = text.substr(text.rfind('\n') + 1);
    const auto tabs = static_cast<size_t>(std::ranges::count(line, '\t'));
    return line.size() + 7 * tabs;
  }

  static std::unexpected<Error> too_complex() {
    return fail(ErrorCode::corrupt, "a type of the BTF is too complex to be declared");
  }

  Result<RawType> skip_qualifiers(TypeId id) {
    RawType raw = TRY(state_.raw(id));
    for (unsigned depth = 0; raw.is_qualifier() && depth < kMaxTypeDepth; ++depth)
      raw = TRY(state_.raw(raw.size_or_type));
    return raw;
  }

  static std::string qualifier(const RawType& raw) {
    switch (raw.kind) {
      case BtfKind::const_type:
        return "const";
      case BtfKind::volatile_type:
        return "volatile";
      case BtfKind::restrict_type:
        return "restrict";
      // Of __attribute__((btf_type_tag("user"))), for which the kernel's headers have this shorter name.
      default:
        return "__" + printable(raw.name);
    }
  }

  Result<std::string> parameters(const RawType& prototype) {
    if (++nesting_ > kMaxTypeDepth) return too_complex();
    std::string text = "(";
    for (uint32_t index = 0; index < prototype.count; ++index) {
      if (index > 0) text += ", ";
      const TypeId type = prototype.word(size_t{index} * 2 + 1);
      const std::string_view name = TRY(state_.name(prototype.word(size_t{index} * 2)));
      // An ellipsis is a last parameter without name and type.
      if (type == 0 && name.empty())
        text += "...";
      else
        text += TRY(declare(type, printable(name), std::nullopt));
    }
    --nesting_;
    return text + (prototype.count == 0 ? "void)" : ")");
  }

  Result<std::string> named(const RawType& raw, std::optional<unsigned> indent, uint64_t bits) {
    if (raw.kind == BtfKind::void_type) return "void";
    const std::string tag = tag_of(raw);
    if (tag.empty()) return printable(raw.name);
    if (!raw.name.empty()) return tag + " " + printable(raw.name);
    if (!indent || raw.kind == BtfKind::forward) return tag + " {...}";
    return tag + " " + TRY(body(raw, *indent, bits));
  }

  const Btf::State& state_;
  unsigned steps_ = 0, nesting_ = 0;
};

}  // namespace

std::string Btf::name_of(TypeId id) const {
  auto text = Declarer(*state_).declare(id, "", std::nullopt);
  return text ? std::move(*text) : fmt::format("type {}", id);
}

Result<std::string> Btf::declaration(TypeId id) const {
  const RawType raw = TRY(state_->raw(id));
  Declarer declarer(*state_);
  switch (raw.kind) {
    case BtfKind::structure:
    case BtfKind::union_type:
    case BtfKind::enumeration:
    case BtfKind::enumeration64:
      return fmt::format("{} {};  /* {} bytes */\n", raw.name.empty() ? tag_of(raw) : name_of(id),
                         TRY(declarer.body(raw, 0, 0)), raw.size_or_type);
    case BtfKind::type_definition:
      return fmt::format("typedef {};\n", TRY(declarer.declare(raw.size_or_type, printable(raw.name), 0)));
    case BtfKind::function:
    case BtfKind::variable:
      return TRY(declarer.declare(raw.size_or_type, printable(raw.name), 0)) + ";\n";
    default:
      return TRY(declarer.declare(id, "", 0)) + ";\n";
  }
}

}  // namespace lifeboat
