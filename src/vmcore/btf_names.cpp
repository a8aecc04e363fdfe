// SPDX-License-Identifier: GPL-2.0-or-later
// From the C spelling of a type to its number.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "src/vmcore/btf_state.h"

namespace lifeboat {
namespace {

using Words = std::vector<std::string_view>;

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Words, and each other character that is no space by itself.
Words split(std::string_view text) {
  Words words;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    if (is_word_char(text[at])) {
      while (end < text.size() && is_word_char(text[end])) ++end;
    }
    if (text[at] != ' ' && text[at] != '\t') words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// Qualifiers do not change where a thing lies or how it is printed.
bool is_qualifier(std::string_view word) {
  static constexpr std::string_view kQualifiers[] = {"const", "volatile", "restrict", "__user",
                                                     "__rcu", "__percpu", "__iomem"};
  return std::ranges::find(kQualifiers, word) != std::end(kQualifiers);
}

bool is_integer_word(std::string_view word) {
  static constexpr std::string_view kWords[] = {"unsigned", "signed", "long",   "short",   "char",
                                                "int",      "float",  "double", "__int128"};
  return std::ranges::find(kWords, word) != std::end(kWords);
}

// The spellings under which compilers enter the type that these words name, in any order: gcc's, then
// clang's.
std::vector<std::string> integer_names(const Words& words) {
  const auto count = [&words](std::string_view word) { return std::ranges::count(words, word); };
  const bool is_unsigned = count("unsigned") > 0;
  if (count("float") > 0) return {"float"};
  if (count("double") > 0) return {count("long") > 0 ? "long double" : "double"};
  if (count("char") > 0) {
    if (is_unsigned) return {"unsigned char"};
    if (count("signed") > 0) return {"signed char"};
    return {"char"};
  }
  if (count("__int128") > 0) {
    if (is_unsigned) return {"__int128 unsigned", "unsigned __int128"};
    return {"__int128"};
  }
  std::string length;
  if (count("short") > 0) length = "short ";
  if (count("long") == 1) length = "long ";
  if (count("long") > 1) length = "long long ";
  const std::string sign = is_unsigned ? "unsigned " : "";
  std::vector<std::string> names = {length + sign + "int"};
  std::string other = sign + length;
  if (!other.empty()) {
    other.pop_back();
    names.push_back(other);
  }
  return names;
}

Result<uint32_t> array_length(const Words& words, size_t& at) {
  // At '['.
  ++at;
  uint32_t value = 0;
  if (at < words.size() && words[at] != "]") {
    const auto word = words[at++];
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size())
      return fail(ErrorCode::usage, "'{}' is not an array length", word);
  }
  if (at >= words.size() || words[at] != "]") return fail(ErrorCode::usage, "an array's '[' has no ']'");
  ++at;
  return value;
}

class NameParser {
 public:
  NameParser(const Btf& btf, std::string_view text) : btf_(btf), text_(text), words_(split(text)) {}

  Result<TypeId> parse() {
    TypeId id = TRY(base());
    for (skip_qualifiers(); at_ < words_.size() && words_[at_] == "*"; skip_qualifiers()) {
      ++at_;
      id = btf_.pointer_to(id);
    }
    std::vector<uint32_t> lengths;
    while (at_ < words_.size() && words_[at_] == "[") lengths.push_back(TRY(array_length(words_, at_)));
    // int[2][3] is an array of two arrays of three.
    for (size_t index = lengths.size(); index-- > 0;) id = btf_.array_of(id, lengths[index]);
    if (at_ < words_.size()) {
      return std::unexpected(
          Error(ErrorCode::usage, fmt::format("'{}' is not a type name: unexpected '{}'", text_, words_[at_]))
              .hint("write types as 'struct task_struct *', 'unsigned long' or 'char [16]'"));
    }
    return id;
  }

 private:
  void skip_qualifiers() {
    while (at_ < words_.size() && is_qualifier(words_[at_])) ++at_;
  }

  Result<TypeId> base() {
    skip_qualifiers();
    if (at_ >= words_.size() || !is_word_char(words_[at_].front()))
      return fail(ErrorCode::usage, "'{}' is not a type name", text_);
    const std::string_view word = words_[at_];
    if (word == "void") return ++at_, TypeId{0};
    if (word == "struct" || word == "union" || word == "enum") return tagged();
    if (is_integer_word(word)) return integer();
    ++at_;
    if (const auto id = btf_.find(TypeKind::type_definition, word)) return *id;
    if (const auto id = btf_.find(TypeKind::integer, word == "bool" ? "_Bool" : word)) return *id;
    for (const auto kind : {TypeKind::structure, TypeKind::union_type, TypeKind::enumeration}) {
      if (const auto id = btf_.find(kind, word)) return *id;
    }
    return fail(ErrorCode::not_found, "this kernel has no type '{}'", word);
  }

  Result<TypeId> tagged() {
    const std::string_view tag = words_[at_++];
    if (at_ >= words_.size() || !is_word_char(words_[at_].front()))
      return fail(ErrorCode::usage, "'{}': the name is missing after '{}'", text_, tag);
    const std::string_view name = words_[at_++];
    const TypeKind kind = tag == "struct"  ? TypeKind::structure
                          : tag == "union" ? TypeKind::union_type
                                           : TypeKind::enumeration;
    if (const auto id = btf_.find(kind, name)) return *id;
    // Pointers to it are possible; its members are unknown.
    if (const auto id = btf_.find(TypeKind::forward, name); id && tag != "enum") return *id;
    return fail(ErrorCode::not_found, "this kernel has no '{} {}'", tag, name);
  }

  Result<TypeId> integer() {
    Words words;
    for (; at_ < words_.size() && (is_integer_word(words_[at_]) || is_qualifier(words_[at_])); ++at_)
      words.push_back(words_[at_]);
    for (const auto& name : integer_names(words)) {
      for (const auto kind : {TypeKind::integer, TypeKind::floating}) {
        if (const auto id = btf_.find(kind, name)) return *id;
      }
    }
    return fail(ErrorCode::not_found, "this kernel has no type '{}'", fmt::join(words, " "));
  }

  const Btf& btf_;
  std::string_view text_;
  Words words_;
  size_t at_ = 0;
};

}  // namespace

Result<TypeId> Btf::parse_type_name(std::string_view text) const {
  return NameParser(*this, text).parse();
}

}  // namespace lifeboat
