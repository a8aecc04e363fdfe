// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/show_value.h"

#include <algorithm>
#include <vector>

#include "src/base/size.h"

namespace lifeboat::inspect {
namespace {

std::string why_unreadable(const Error& error) {
  switch (error.code) {
    case ErrorCode::not_mapped:
      return "<not mapped>";
    case ErrorCode::not_present:
      return "<no memory there>";
    case ErrorCode::excluded:
      return "<left out of the dump>";
    case ErrorCode::lost:
      return "<lost>";
    case ErrorCode::usage:
      return "<cannot be shown>";
    default:
      return fmt::format("<{}>", error.message);
  }
}

// As C writes it: no control characters reach the terminal.
std::string quoted(ByteSpan text) {
  std::string out = "\"";
  for (const std::byte byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < ' ' || c > '~') {
      out += fmt::format("\\x{:02x}", c);
    } else {
      out += static_cast<char>(c);
    }
  }
  return out + "\"";
}

class Printer {
 public:
  Printer(const ExpressionScope& scope, const ShowOptions& options)
      : scope_(scope), btf_(scope.types.btf()), options_(options) {}

  void value(const Value& value, unsigned depth) {
    if (full()) return;
    const auto stripped = btf_.strip(value.type);
    const auto info = stripped ? btf_.type(*stripped) : Result<TypeInfo>(std::unexpected(stripped.error()));
    if (!info) {
      out_ += why_unreadable(info.error());
      return;
    }
    switch (info->kind) {
      case TypeKind::structure:
      case TypeKind::union_type:
        compound(value, depth);
        break;
      case TypeKind::array:
        array(value, *info, depth);
        break;
      default:
        scalar(value, *stripped, *info);
    }
  }

  std::string take() {
    if (full()) out_ += "\n... (the rest is left out: it is too long)";
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool full() const { return out_.size() >= options_.bytes; }
  void new_line(unsigned depth) {
    out_ += '\n';
    out_.append(size_t{2} * depth, ' ');
  }

  void compound(const Value& value, unsigned depth) {
    if (depth >= options_.depth) {
      out_ += "{...}";
      return;
    }
    const auto members = btf_.members(value.type);
    if (!members) {
      out_ += why_unreadable(members.error());
      return;
    }
    out_ += '{';
    for (const auto& member : *members) {
      if (full()) return;
      new_line(depth + 1);
      // An anonymous struct or union has braces of its own, as in an initialiser.
      if (!member.name.empty()) {
        out_ += '.';
        name(member.name);
        out_ += " = ";
      }
      const bool is_bit_field = member.bit_size != 0;
      this->value({.type = member.type,
                   .in_memory = true,
                   .bits = value.bits + member.bit_offset / 8,
                   .bit_offset = is_bit_field ? member.bit_offset % 8 : 0,
                   .bit_size = member.bit_size},
                  depth + 1);
      out_ += ',';
    }
    if (!members->empty()) new_line(depth);
    out_ += '}';
  }

  void array(const Value& value, const TypeInfo& info, unsigned depth) {
    if (depth >= options_.depth) {
      out_ += "{...}";
      return;
    }
    const auto element = btf_.strip(info.target);
    const auto element_info =
        element ? btf_.type(*element) : Result<TypeInfo>(std::unexpected(element.error()));
    if (element_info && element_info->is_char && element_info->size == 1) return text(value.bits, info.count);
    const auto step = btf_.size_of(info.target);
    if (!step) {
      out_ += why_unreadable(step.error());
      return;
    }
    const bool is_nested =
        element_info && (element_info->kind == TypeKind::structure ||
                         element_info->kind == TypeKind::union_type || element_info->kind == TypeKind::array);
    out_ += '{';
    const uint32_t shown = std::min(info.count, options_.elements);
    for (uint32_t index = 0; index < shown && !full(); ++index) {
      if (is_nested)
        new_line(depth + 1);
      else if (index > 0)
        out_ += ' ';
      this->value({.type = info.target, .in_memory = true, .bits = value.bits + index * *step}, depth + 1);
      if (is_nested || index + 1 < info.count) out_ += ',';
    }
    if (shown < info.count) {
      if (is_nested)
        new_line(depth + 1);
      else
        out_ += ' ';
      out_ += fmt::format("... ({} more)", info.count - shown);
    }
    if (is_nested) new_line(depth);
    out_ += '}';
  }

  // Up to its NUL. An open array (char name[]) is read up to the longest possible name.
  void text(uint64_t address, uint32_t length) {
    constexpr uint32_t kLongest = 4_KiB, kOpen = 256;
    const size_t limit = length == 0 ? kOpen : std::min(length, kLongest);
    const auto read = scope_.memory.read_string(address, limit);
    out_ += read ? quoted(as_byte_span(*read)) : why_missing(read.error(), address);
  }

  [[nodiscard]] std::string why_missing(const Error& error, uint64_t address) const {
    if (error.code == ErrorCode::excluded && options_.left_out_as) {
      if (const auto held = options_.left_out_as(address); !held.empty())
        return fmt::format("<left out of the dump: {}>", held);
    }
    return why_unreadable(error);
  }

  void scalar(const Value& value, TypeId stripped, const TypeInfo& info) {
    const auto bits = to_number(scope_, value);
    if (!bits) {
      out_ += value.in_memory ? why_missing(bits.error(), value.bits) : why_unreadable(bits.error());
      return;
    }
    if (value.type == 0) {
      out_ += fmt::format("{} ({:#x})", *bits, *bits);
      symbol(*bits);
    } else if (info.kind == TypeKind::pointer || info.kind == TypeKind::function_prototype) {
      out_ += fmt::format("{:#x}", *bits);
      symbol(*bits);
      pointed_text(info, *bits);
    } else if (info.kind == TypeKind::enumeration) {
      enumerator(stripped, *bits, info.is_signed);
    } else if (info.is_bool && *bits <= 1) {
      out_ += *bits == 1 ? "true" : "false";
    } else {
      integer(*bits, info.is_signed);
      if (info.size == 8) symbol(*bits);
    }
  }

  // Addresses and flags are kept in unsigned longs.
  void integer(uint64_t bits, bool is_signed) {
    if (is_signed)
      out_ += std::to_string(static_cast<int64_t>(bits));
    else if (bits >> 63 != 0)
      out_ += fmt::format("{:#x}", bits);
    else if (bits > 0xffff)
      out_ += fmt::format("{} ({:#x})", bits, bits);
    else
      out_ += std::to_string(bits);
  }

  void enumerator(TypeId type, uint64_t bits, bool is_signed) {
    const auto signed_bits = static_cast<int64_t>(bits);
    if (const auto values = btf_.enumerators(type)) {
      for (const auto& [text, number] : *values) {
        if (number != signed_bits) continue;
        name(text);
        return;
      }
    }
    out_ += is_signed ? std::to_string(signed_bits) : std::to_string(bits);
  }

  // Whatever a char pointer points to is shown if it can be read.
  void pointed_text(const TypeInfo& pointer, uint64_t address) {
    constexpr size_t kLongest = 256;
    if (pointer.kind != TypeKind::pointer || address == 0) return;
    const auto target = btf_.strip(pointer.target);
    const auto info = target ? btf_.type(*target) : Result<TypeInfo>(std::unexpected(target.error()));
    if (!info || !info->is_char) return;
    const auto read = scope_.memory.read_string(address, kLongest);
    if (read) out_ += " " + quoted(as_byte_span(*read));
  }

  void symbol(uint64_t address) {
    // Below are user space and small numbers.
    if (!options_.symbol_at || address < scope_.memory.architecture().facts().lowest_kernel_address) return;
    const std::string text = options_.symbol_at(address);
    if (text.empty()) return;
    out_ += " <";
    name(text);
    out_ += ">";
  }

  void name(std::string_view text) {
    for (const char c : text) out_ += c >= ' ' && c <= '~' ? c : '?';
  }

  const ExpressionScope& scope_;
  const Btf& btf_;
  const ShowOptions& options_;
  std::string out_;
};

}  // namespace

Result<std::string> show_value(const ExpressionScope& scope, const Value& value, const ShowOptions& options) {
  const Btf& btf = scope.types.btf();
  const TypeInfo info = TRY(btf.type(TRY(btf.strip(value.type))));
  const bool has_parts =
      info.kind == TypeKind::structure || info.kind == TypeKind::union_type || info.kind == TypeKind::array;
  // A single value that cannot be read is an error, not a text in its place.
  if (!has_parts) TRY_VOID(to_number(scope, value));
  Printer printer(scope, options);
  printer.value(value, 0);
  std::string text = printer.take();
  if (value.type == 0) return text;
  return fmt::format("({}){}", btf.name_of(value.type), text);
}

}  // namespace lifeboat::inspect
