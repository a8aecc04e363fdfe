// SPDX-License-Identifier: GPL-2.0-or-later
// A recursive-descent parser that evaluates as it goes:
//   sum      = unary { (+|-) unary }
//   unary    = (*|&|-|+|~) unary | "(" TYPE ")" unary | sizeof "(" TYPE ")" | postfix
//   postfix  = primary { "." NAME | "->" NAME | "[" sum "]" }
//   primary  = NUMBER | NAME | "(" sum ")" | call
#include "src/inspect/expression.h"

#include <algorithm>
#include <limits>

#include "src/base/size.h"
#include "src/inspect/expression_tokens.h"

namespace lifeboat::inspect {
namespace {

constexpr unsigned kMaxNesting = 64;

class Evaluator {
 public:
  Evaluator(const ExpressionScope& scope, std::string_view text, std::vector<Token> tokens)
      : scope_(scope), btf_(scope.types.btf()), text_(text), tokens_(std::move(tokens)) {}

  Result<Value> whole() {
    const Value value = TRY(sum());
    if (peek().kind != TokenKind::end) return unexpected_token("an operator");
    return value;
  }

 private:
  // Tokens.
  [[nodiscard]] const Token& peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& next() {
    const Token& token = peek();
    if (at_ < tokens_.size() - 1) ++at_;
    return token;
  }
  bool accept(std::string_view symbol) {
    if (peek().text != symbol || peek().kind != TokenKind::symbol) return false;
    next();
    return true;
  }
  Result<> expect(std::string_view symbol) {
    if (!accept(symbol)) return unexpected_token(fmt::format("'{}'", symbol));
    return {};
  }
  Result<std::string_view> expect_name(std::string_view what) {
    if (peek().kind != TokenKind::name) return unexpected_token(what);
    return next().text;
  }

  // Errors. `token`: where in the text.
  std::unexpected<Error> at(const Token& token, Error error) const {
    return std::unexpected(std::move(error).context(fmt::format("'{}', column {}", text_, token.offset + 1)));
  }
  template <typename... Args>
  std::unexpected<Error> error_at(const Token& token, ErrorCode code, fmt::format_string<Args...> format,
                                  Args&&... args) const {
    return at(token, Error(code, fmt::format(format, std::forward<Args>(args)...)));
  }
  std::unexpected<Error> unexpected_token(std::string_view wanted) const {
    const Token& token = peek();
    if (token.kind == TokenKind::end)
      return error_at(token, ErrorCode::usage, "the expression ends, expected {}", wanted);
    return error_at(token, ErrorCode::usage, "found '{}', expected {}", token.text, wanted);
  }
  // The value, or its error with the position in front.
  template <typename T>
  Result<T> located(const Token& token, Result<T> result) const {
    if (!result) return at(token, std::move(result).error());
    return result;
  }

  Result<Value> sum() {
    if (++nesting_ > kMaxNesting)
      return error_at(peek(), ErrorCode::usage, "the expression is nested too deep");
    Value left = TRY(unary());
    while (peek().kind == TokenKind::symbol && (peek().text == "+" || peek().text == "-")) {
      const Token& sign = next();
      left = TRY(add(sign, left, TRY(unary())));
    }
    --nesting_;
    return left;
  }

  Result<Value> unary() {
    if (++nesting_ > kMaxNesting)
      return error_at(peek(), ErrorCode::usage, "the expression is nested too deep");
    Value value = TRY(unary_inner());
    --nesting_;
    return value;
  }

  Result<Value> unary_inner() {
    const Token& token = peek();
    if (accept("*")) return dereference(token, TRY(unary()));
    if (accept("&")) return address_of(token, TRY(unary()));
    if (accept("-")) return Value{.bits = -TRY(number(token, TRY(unary())))};
    if (accept("~")) return Value{.bits = ~TRY(number(token, TRY(unary())))};
    if (accept("+")) return unary();
    if (token.kind == TokenKind::symbol && token.text == "(" && begins_cast()) {
      next();
      const TypeId type = TRY(type_name(")"));
      TRY_VOID(expect(")"));
      return cast(token, type, TRY(unary()));
    }
    return postfix();
  }

  // After "(": a word that begins types only, or a typedef; a name that may be either is a type if only stars
  // follow.
  [[nodiscard]] bool begins_cast() const {
    const Token& word = peek(1);
    if (word.kind != TokenKind::name) return false;
    if (is_type_word(word.text)) return true;
    size_t after = 2;
    while (peek(after).text == "*") ++after;
    if (peek(after).text != ")") return false;
    return after > 2 || btf_.find(TypeKind::type_definition, word.text).has_value();
  }

  // The text up to `end`, which is not taken, as a type.
  Result<TypeId> type_name(std::string_view end) {
    const Token& first = peek();
    while (peek().kind != TokenKind::end && peek().text != end) next();
    const std::string_view text = text_.substr(first.offset, peek().offset - first.offset);
    return located(first, btf_.parse_type_name(text));
  }

  Result<Value> postfix() {
    Value value = TRY(primary());
    for (;;) {
      const Token& token = peek();
      if (accept(".")) {
        value = TRY(member(token, value));
      } else if (accept("->")) {
        value = TRY(member(token, TRY(dereference(token, value))));
      } else if (accept("[")) {
        const Value index = TRY(sum());
        TRY_VOID(expect("]"));
        value = TRY(dereference(token, TRY(add(Token{TokenKind::symbol, "+", token.offset}, value, index))));
      } else {
        return value;
      }
    }
  }

  Result<Value> primary() {
    const Token& token = peek();
    if (accept("(")) {
      const Value value = TRY(sum());
      TRY_VOID(expect(")"));
      return value;
    }
    if (token.kind == TokenKind::number) {
      next();
      return Value{.bits = token.number};
    }
    if (token.kind != TokenKind::name) return unexpected_token("a value");
    if (peek(1).text == "(" && peek(1).kind == TokenKind::symbol) return call();
    next();
    return variable(token);
  }

  Result<Value> call() {
    const Token& name = next();
    TRY_VOID(expect("("));
    Value value;
    if (name.text == "per_cpu" || name.text == "per_cpu_ptr")
      value = TRY(per_cpu(name));
    else if (name.text == "container_of")
      value = TRY(container_of(name));
    else if (name.text == "sizeof")
      value.bits = TRY(located(name, btf_.size_of(TRY(type_name(")")))));
    else
      return at(name, Error(ErrorCode::usage, fmt::format("functions cannot be called: '{}'", name.text))
                          .hint("use only per_cpu, per_cpu_ptr, container_of, sizeof"));
    TRY_VOID(expect(")"));
    return value;
  }

  Result<Value> variable(const Token& name) {
    const auto address = scope_.symbol(name.text);
    if (!address) {
      return error_at(name, ErrorCode::not_found,
                      "the kernel has no symbol '{}', or its table does not list it", name.text);
    }
    if (is_per_cpu(*address) && !inside_per_cpu_) {
      return at(name, Error(ErrorCode::usage, fmt::format("'{}' is a per-CPU variable", name.text))
                          .hint(fmt::format("write per_cpu({}, CPU)", name.text)));
    }
    return Value{.type = variable_type(name.text, *address), .in_memory = true, .bits = *address};
  }

  // 0: not known.
  [[nodiscard]] TypeId variable_type(std::string_view name, uint64_t address) const {
    if (const auto type = scope_.types.global_type(name)) return *type;
    if (!scope_.variable_type) return 0;
    const auto spelling = scope_.variable_type(name, address);
    return spelling ? btf_.parse_type_name(*spelling).value_or(0) : 0;
  }

  [[nodiscard]] bool is_per_cpu(uint64_t address) const {
    const auto begin = scope_.symbol("__per_cpu_start"), end = scope_.symbol("__per_cpu_end");
    return begin && end && address >= *begin && address < *end;
  }

  // The copies of a per-CPU object lie each at the same distance from its address, which the kernel keeps in
  // __per_cpu_offset[] (include/asm-generic/percpu.h).
  Result<Value> per_cpu(const Token& name) {
    inside_per_cpu_ = true;
    Value value = TRY(sum());
    inside_per_cpu_ = false;
    TRY_VOID(expect(","));
    const Token& cpu_token = peek();
    const uint64_t cpu = TRY(number(cpu_token, TRY(sum())));
    if (name.text == "per_cpu_ptr") value = TRY(dereference(name, value));
    if (!value.in_memory) return error_at(name, ErrorCode::usage, "per_cpu needs a variable");
    value.bits += TRY(located(cpu_token, per_cpu_offset(cpu)));
    return name.text == "per_cpu_ptr" ? address_of(name, value) : Result<Value>(value);
  }

  [[nodiscard]] Result<uint64_t> per_cpu_offset(uint64_t cpu) const {
    constexpr uint64_t kMaxCpus = 8192;  // the largest CONFIG_NR_CPUS
    uint64_t cpus = kMaxCpus;
    if (const auto count = scope_.symbol("nr_cpu_ids")) cpus = TRY(scope_.memory.read<uint32_t>(*count));
    if (cpu >= std::min(cpus, kMaxCpus))
      return fail(ErrorCode::not_found, "there is no CPU {}: the kernel had {}", cpu, cpus);
    const auto table = scope_.symbol("__per_cpu_offset");
    if (!table) return fail(ErrorCode::not_found, "the kernel's symbols do not list __per_cpu_offset");
    return scope_.memory.read<uint64_t>(*table + cpu * sizeof(uint64_t));
  }

  Result<Value> container_of(const Token& name) {
    const uint64_t pointer = TRY(number(name, TRY(sum())));
    TRY_VOID(expect(","));
    const TypeId outer = TRY(type_name(","));
    TRY_VOID(expect(","));
    const Token& first = peek();
    while (peek().kind != TokenKind::end && peek().text != ")") next();
    std::string_view path = text_.substr(first.offset, peek().offset - first.offset);
    while (!path.empty() && path.back() == ' ') path.remove_suffix(1);
    const MemberPlace place = TRY(find_member(first, outer, path));
    return Value{.type = btf_.pointer_to(outer), .bits = pointer - place.offset};
  }

  [[nodiscard]] Result<MemberPlace> find_member(const Token& token, TypeId outer,
                                                std::string_view path) const {
    auto place = btf_.member(outer, path);
    if (place) return place;
    Error error = std::move(place).error();
    if (const auto nearest = btf_.nearest_member(outer, path);
        error.code == ErrorCode::not_found && !nearest.empty())
      error.hint(fmt::format("the nearest name is '{}'", nearest));
    return at(token, std::move(error));
  }

  Result<Value> member(const Token& dot, const Value& outer) {
    const Token& token = peek();
    const std::string_view name = TRY(expect_name("the name of a member"));
    if (!outer.in_memory || outer.type == 0)
      return at(dot, Error(ErrorCode::usage, fmt::format("the value before '{}' has no members", name))
                         .hint(fmt::format("name its type: ((struct NAME *)ADDRESS)->{}", name)));
    const TypeInfo info = TRY(located(dot, stripped(outer.type)));
    if (info.kind == TypeKind::pointer) {
      return at(dot, Error(ErrorCode::usage, fmt::format("{} is a pointer", btf_.name_of(outer.type)))
                         .hint(fmt::format("write ->{}", name)));
    }
    const MemberPlace place = TRY(find_member(token, outer.type, name));
    return Value{place.type, true, outer.bits + place.offset, place.bit_offset, place.bit_size};
  }

  Result<Value> dereference(const Token& token, const Value& value) {
    if (value.type == 0 && !value.in_memory) {
      return at(token, Error(ErrorCode::usage,
                             fmt::format("{:#x} is a number, not a pointer to a known type", value.bits))
                           .hint("cast it first: (struct task_struct *)0x..."));
    }
    const TypeInfo info = TRY(located(token, stripped(value.type)));
    if (info.kind != TypeKind::pointer && info.kind != TypeKind::array)
      return error_at(token, ErrorCode::usage, "{} is not a pointer", describe(value));
    if (TRY(located(token, stripped(info.target))).kind == TypeKind::void_type)
      return error_at(token, ErrorCode::usage, "a void pointer has no target type: cast it first");
    return Value{.type = info.target, .in_memory = true, .bits = TRY(number(token, value))};
  }

  Result<Value> address_of(const Token& token, const Value& value) {
    if (!value.in_memory) return error_at(token, ErrorCode::usage, "a number has no address");
    if (value.bit_size != 0) return error_at(token, ErrorCode::usage, "a bit-field has no address");
    return Value{.type = btf_.pointer_to(value.type), .bits = value.bits};
  }

  Result<Value> cast(const Token& token, TypeId type, const Value& value) {
    const TypeInfo info = TRY(located(token, stripped(type)));
    const bool is_number = info.kind == TypeKind::integer || info.kind == TypeKind::enumeration ||
                           info.kind == TypeKind::pointer;
    if (!is_number || info.size == 0 || info.size > 8) {
      return at(token, Error(ErrorCode::usage, fmt::format("nothing can be cast to {}", btf_.name_of(type)))
                           .hint("cast its address: *(TYPE *)ADDRESS"));
    }
    const uint64_t bits = TRY(number(token, value));
    return Value{.type = type, .bits = info.is_bool ? uint64_t{bits != 0} : extend(bits, info)};
  }

  // C's rules for pointers: numbers count elements; two pointers are subtracted to a count of elements.
  Result<Value> add(const Token& sign, const Value& left, const Value& right) {
    const bool subtract = sign.text == "-";
    const auto left_step = TRY(located(sign, pointer_step(left)));
    const auto right_step = TRY(located(sign, pointer_step(right)));
    const uint64_t a = TRY(number(sign, left)), b = TRY(number(sign, right));
    if (left_step && right_step) {
      if (!subtract || left_step->bytes != right_step->bytes)
        return error_at(sign, ErrorCode::usage, "two pointers can only be subtracted, and of the same type");
      return Value{.bits = static_cast<uint64_t>(static_cast<int64_t>(a - b) /
                                                 static_cast<int64_t>(left_step->bytes))};
    }
    if (left_step) {
      const uint64_t distance = b * left_step->bytes;
      return Value{.type = left_step->type, .bits = subtract ? a - distance : a + distance};
    }
    if (right_step) {
      if (subtract) return error_at(sign, ErrorCode::usage, "a pointer cannot be subtracted from a number");
      return Value{.type = right_step->type, .bits = b + a * right_step->bytes};
    }
    return Value{.bits = subtract ? a - b : a + b};
  }

  struct PointerStep {
    TypeId type;  // the pointer's
    uint64_t bytes;
  };
  // How far one element is, if the value is a pointer or an array. Of void pointers and functions one byte,
  // as gcc has it.
  [[nodiscard]] Result<std::optional<PointerStep>> pointer_step(const Value& value) const {
    if (value.type == 0) return std::nullopt;
    const TypeInfo info = TRY(stripped(value.type));
    if (info.kind != TypeKind::pointer && info.kind != TypeKind::array) return std::nullopt;
    const TypeInfo target = TRY(stripped(info.target));
    uint64_t bytes = 1;
    if (target.kind != TypeKind::void_type && target.kind != TypeKind::function_prototype)
      bytes = TRY(btf_.size_of(info.target));
    if (bytes > std::numeric_limits<int64_t>::max())
      return fail(ErrorCode::corrupt, "{} is larger than memory", btf_.name_of(info.target));
    const TypeId type = info.kind == TypeKind::array ? btf_.pointer_to(info.target) : value.type;
    return PointerStep{type, std::max<uint64_t>(bytes, 1)};
  }

  [[nodiscard]] Result<TypeInfo> stripped(TypeId type) const { return btf_.type(TRY(btf_.strip(type))); }
  Result<uint64_t> number(const Token& token, const Value& value) const {
    return located(token, to_number(scope_, value));
  }
  [[nodiscard]] std::string describe(const Value& value) const {
    return value.type == 0 ? "a value of unknown type" : btf_.name_of(value.type);
  }

  static uint64_t extend(uint64_t bits, const TypeInfo& info) {
    const unsigned unused = 64 - static_cast<unsigned>(info.size) * 8;
    return info.is_signed ? static_cast<uint64_t>(static_cast<int64_t>(bits << unused) >> unused)
                          : bits << unused >> unused;
  }

  const ExpressionScope& scope_;
  const Btf& btf_;
  std::string_view text_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  unsigned nesting_ = 0;
  bool inside_per_cpu_ = false;
};

}  // namespace

Result<Value> evaluate(const ExpressionScope& scope, std::string_view text) {
  constexpr size_t kLongest = 4_KiB;
  if (text.size() > kLongest)
    return fail(ErrorCode::usage, "an expression of {} characters is too long", text.size());
  auto tokens = TRY(split_tokens(text));
  return Evaluator(scope, text, std::move(tokens)).whole();
}

Result<uint64_t> to_number(const ExpressionScope& scope, const Value& value) {
  if (!value.in_memory) return value.bits;
  const Btf& btf = scope.types.btf();
  if (value.type == 0) {
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("the type of the value at {:#x} is unknown", value.bits))
            .hint("cast its address: *(unsigned long *)&NAME"));
  }
  const TypeInfo info = TRY(btf.type(TRY(btf.strip(value.type))));
  Field field{0, info.size, value.bit_offset, value.bit_size};
  switch (info.kind) {
    // A function is its address too.
    case TypeKind::array:
    case TypeKind::function_prototype:
      return value.bits;
    case TypeKind::integer:
    case TypeKind::enumeration:
    case TypeKind::pointer:
      break;
    default:
      return fail(ErrorCode::usage, "{} is not a number", btf.name_of(value.type));
  }
  if (value.bit_size != 0) field.size = divide_up(value.bit_offset + value.bit_size, 8);
  const uint64_t bits = TRY(KernelTypes::number(scope.memory, value.bits, field));
  const uint64_t width = value.bit_size != 0 ? value.bit_size : info.size * 8;
  if (!info.is_signed || width >= 64) return bits;
  return static_cast<uint64_t>(static_cast<int64_t>(bits << (64 - width)) >> (64 - width));
}

Result<uint64_t> string_address(const ExpressionScope& scope, const Value& value) {
  if (!value.in_memory) return value.bits;
  const auto type = scope.types.btf().strip(value.type);
  if (!type) return value.bits;
  const auto info = scope.types.btf().type(*type);
  if (!info || info->kind != TypeKind::pointer) return value.bits;
  return to_number(scope, value);
}

}  // namespace lifeboat::inspect
