// SPDX-License-Identifier: GPL-2.0-or-later
// A parser by recursive descent: each function takes what begins at the current token.
#include "loader/entries/grub_script.h"

#include <algorithm>
#include <array>

#include "loader/entries/grub_lexer.h"

namespace lifeboat::grub {
namespace {

// As deep as GRUB itself evaluates.
constexpr unsigned kMaxDepth = 64;

using BlockPointer = std::shared_ptr<const Block>;

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : lexer_(text), name_(name) {}

  Result<BlockPointer> run() {
    TRY_VOID(advance());
    BlockPointer block = TRY(parse_block({}, true));
    if (token_.kind != Token::Kind::end) return error(fmt::format("'{}' is not expected", shown()));
    return block;
  }

 private:
  using Words = std::initializer_list<std::string_view>;

  [[nodiscard]] std::unexpected<Error> error(std::string_view what) const {
    return fail(ErrorCode::corrupt, "{}:{}: {}", name_, token_.line, what);
  }
  [[nodiscard]] std::string shown() const {
    switch (token_.kind) {
      case Token::Kind::end:
        return "the end of the file";
      case Token::Kind::newline:
        return "the end of the line";
      case Token::Kind::semicolon:
        return ";";
      case Token::Kind::open:
        return "{";
      case Token::Kind::close:
        return "}";
      default:
        return token_.plain.empty() ? "a word" : token_.plain;
    }
  }
  Result<> advance() {
    const unsigned line = lexer_.line();
    auto token = lexer_.next();
    if (!token) return fail(ErrorCode::corrupt, "{}:{}: {}", name_, line, token.error().message);
    token_ = *std::move(token);
    return {};
  }
  [[nodiscard]] bool at_keyword(std::string_view keyword) const {
    return token_.kind == Token::Kind::word && token_.plain == keyword;
  }
  [[nodiscard]] bool at_any(Words keywords) const {
    return std::ranges::any_of(keywords, [&](std::string_view each) { return at_keyword(each); });
  }
  [[nodiscard]] bool at_delimiter() const {
    return token_.kind == Token::Kind::newline || token_.kind == Token::Kind::semicolon;
  }
  Result<> skip_delimiters() {
    while (at_delimiter()) TRY_VOID(advance());
    return {};
  }
  Result<> take(std::string_view keyword) {
    if (!at_keyword(keyword)) return error(fmt::format("'{}' is missing before '{}'", keyword, shown()));
    return advance();
  }

  // Commands up to one of `ends`, a "}", or the end of the file, which stay the current token.
  Result<BlockPointer> parse_block(Words ends, bool may_be_empty) {
    if (++depth_ > kMaxDepth) return error("its blocks are nested too deeply");
    auto block = std::make_shared<Block>();
    for (;;) {
      TRY_VOID(skip_delimiters());
      if (token_.kind == Token::Kind::end || token_.kind == Token::Kind::close || at_any(ends)) break;
      block->push_back(TRY(parse_command()));
      const bool ended =
          at_delimiter() || token_.kind == Token::Kind::end || token_.kind == Token::Kind::close;
      if (!ended) return error(fmt::format("'{}' is not expected", shown()));
    }
    // GRUB's grammar has no empty blocks: it would not read the command that this one belongs to.
    if (block->empty() && !may_be_empty) return error(fmt::format("no command before '{}'", shown()));
    --depth_;
    return block;
  }
  Result<BlockPointer> parse_braces() {
    TRY_VOID(advance());
    BlockPointer block = TRY(parse_block({}, false));
    if (token_.kind != Token::Kind::close) return error("a { is not closed");
    TRY_VOID(advance());
    return block;
  }

  Result<Command> parse_command() {
    if (token_.kind != Token::Kind::word) return error(fmt::format("'{}' is not expected", shown()));
    if (at_keyword("if")) return parse_if();
    if (at_keyword("for")) return parse_for();
    if (at_any({"while", "until"})) return parse_loop();
    if (at_keyword("function")) return parse_function();
    if (at_any({"case", "do", "done", "elif", "else", "esac", "fi", "in", "select", "then", "[[", "]]"}))
      return error(fmt::format("'{}' is not expected", shown()));
    return parse_simple();
  }
  Result<Command> parse_simple() {
    Command command{.kind = Command::Kind::simple, .line = token_.line};
    while (token_.kind == Token::Kind::word) {
      command.words.push_back(std::move(token_.word));
      TRY_VOID(advance());
    }
    if (token_.kind == Token::Kind::open) command.block = TRY(parse_braces());
    return command;
  }
  Result<Command> parse_if() {
    Command command{.kind = Command::Kind::branches, .line = token_.line};
    do {
      TRY_VOID(advance());
      Branch branch{.condition = TRY(parse_block({"then"}, false)), .body = {}};
      TRY_VOID(take("then"));
      branch.body = TRY(parse_block({"elif", "else", "fi"}, false));
      command.branches.push_back(std::move(branch));
    } while (at_keyword("elif"));
    if (at_keyword("else")) {
      TRY_VOID(advance());
      command.branches.push_back({.condition = {}, .body = TRY(parse_block({"fi"}, false))});
    }
    TRY_VOID(take("fi"));
    return command;
  }
  Result<Command> parse_for() {
    Command command{.kind = Command::Kind::for_each, .line = token_.line};
    TRY_VOID(advance());
    if (token_.kind != Token::Kind::word || token_.plain.empty())
      return error("'for' has no name of a variable");
    command.name = token_.plain;
    TRY_VOID(advance());
    TRY_VOID(take("in"));
    while (token_.kind == Token::Kind::word) {
      command.words.push_back(std::move(token_.word));
      TRY_VOID(advance());
    }
    TRY_VOID(skip_delimiters());
    TRY_VOID(take("do"));
    command.block = TRY(parse_block({"done"}, false));
    TRY_VOID(take("done"));
    return command;
  }
  Result<Command> parse_loop() {
    Command command{.kind = Command::Kind::loop, .line = token_.line};
    command.until = at_keyword("until");
    TRY_VOID(advance());
    Branch branch{.condition = TRY(parse_block({"do"}, false)), .body = {}};
    TRY_VOID(take("do"));
    branch.body = TRY(parse_block({"done"}, false));
    TRY_VOID(take("done"));
    command.branches.push_back(std::move(branch));
    return command;
  }
  Result<Command> parse_function() {
    Command command{.kind = Command::Kind::function, .line = token_.line};
    TRY_VOID(advance());
    if (token_.kind != Token::Kind::word || token_.plain.empty()) return error("a function has no name");
    command.name = token_.plain;
    TRY_VOID(advance());
    while (token_.kind == Token::Kind::newline) TRY_VOID(advance());
    if (token_.kind != Token::Kind::open) return error(fmt::format("'{{' is missing before '{}'", shown()));
    command.block = TRY(parse_braces());
    return command;
  }

  Lexer lexer_;
  const std::string& name_;
  Token token_;
  unsigned depth_ = 0;
};

// GRUB skips carriage returns. Other control characters have no place in a configuration, and evaluation
// uses two of them for itself (grub_value.h).
Result<std::string> cleaned(std::string_view text, const std::string& name) {
  std::string clean;
  clean.reserve(text.size());
  for (const char c : text) {
    if (c == '\r') continue;
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f)
      return fail(ErrorCode::corrupt, "{}:{}: it has a control character", name,
                  1 + std::ranges::count(clean, '\n'));
    clean += c;
  }
  return clean;
}

}  // namespace

Result<BlockPointer> parse_script(std::string_view text, const std::string& name) {
  if (text.size() > kLargestScript)
    return fail(ErrorCode::unsupported, "{}: larger than {} bytes", name, kLargestScript);
  const std::string clean = TRY(cleaned(text, name));
  return Parser(clean, name).run();
}

}  // namespace lifeboat::grub
