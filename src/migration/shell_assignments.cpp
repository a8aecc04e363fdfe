// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/migration/shell_assignments.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <optional>

namespace lifeboat::migration {
namespace {

constexpr std::string_view kOperators = "&|<>()";
constexpr std::string_view kBlanks = " \t\r";

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// One word of a command, with its quotes removed.
struct Word {
  std::string text;
  size_t plain = 0;  // how much of the beginning was not quoted
  unsigned line = 0;
  std::string problem;
};

struct ShellCommand {
  unsigned line = 0;
  std::vector<Word> words;
  bool has_operator = false;  // a pipe, a list, a redirection, a subshell: up to the end of the line
  bool opens_block = false;   // what follows may belong to it
  std::string source;         // its first line, for messages
};

class ShellScanner {
 public:
  explicit ShellScanner(std::string_view text) : text_(text) {}

  // nullopt at the end.
  std::optional<ShellCommand> next() {
    skip_to_command();
    if (at_end()) return std::nullopt;
    const size_t begin = at_;
    ShellCommand command{.line = line_, .words = {}, .source = {}};
    while (!at_end() && peek() != '\n' && peek() != ';') {
      if (kBlanks.find(peek()) != std::string_view::npos) {
        advance();
      } else if (peek() == '#') {
        skip_line();
      } else if (kOperators.find(peek()) != std::string_view::npos) {
        command.has_operator = true;
        command.opens_block |= peek() == '(' || text_.substr(at_).starts_with("<<");
        skip_line();
      } else if (!take_continuation()) {
        command.words.push_back(take_word());
      }
    }
    const std::string_view source = text_.substr(begin, at_ - begin);
    command.source = source.substr(0, source.find('\n'));
    return command;
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return text_[at_]; }
  char advance() {
    const char c = text_[at_++];
    if (c == '\n') ++line_;
    return c;
  }
  void skip_line() {
    while (!at_end() && peek() != '\n') advance();
  }
  // A backslash at the end of a line.
  bool take_continuation() {
    if (!text_.substr(at_).starts_with("\\\n")) return false;
    advance();
    advance();
    return true;
  }
  void skip_to_command() {
    constexpr std::string_view kBetween = " \t\r\n;";
    while (!at_end()) {
      if (peek() == '#') {
        skip_line();
      } else if (kBetween.find(peek()) != std::string_view::npos) {
        advance();
      } else if (!take_continuation()) {
        return;
      }
    }
  }

  Word take_word() {
    constexpr std::string_view kEnds = " \t\r\n;&|<>()";
    Word word{.text = {}, .line = line_, .problem = {}};
    bool quoted = false;
    while (!at_end() && kEnds.find(peek()) == std::string_view::npos) {
      if (take_continuation()) continue;
      const char c = advance();
      if (c == '\'') {
        take_single_quotes(word);
      } else if (c == '"') {
        take_double_quotes(word);
      } else if (c == '\\') {
        if (!at_end()) word.text += advance();
      } else {
        take_plain(word, c);
        if (!quoted) word.plain = word.text.size();
        continue;
      }
      quoted = true;
    }
    return word;
  }
  void take_single_quotes(Word& word) {
    while (!at_end() && peek() != '\'') word.text += advance();
    close(word);
  }
  void take_double_quotes(Word& word) {
    constexpr std::string_view kEscaped = "$`\"\\";
    while (!at_end() && peek() != '"') {
      if (take_continuation()) continue;
      const char c = advance();
      if (c == '\\' && !at_end() && kEscaped.find(peek()) != std::string_view::npos) {
        word.text += advance();
      } else {
        word.text += c;
        note_expansion(word, c);
      }
    }
    close(word);
  }
  void take_plain(Word& word, char c) {
    if (c == '$' && !at_end() && (peek() == '\'' || peek() == '"')) word.problem = "it uses $ before a quote";
    // A tilde is expanded at the beginning of a value, and behind its colons.
    if (c == '~' && (word.text.ends_with('=') || word.text.ends_with(':')))
      word.problem = "it uses ~ for a home folder";
    word.text += c;
    note_expansion(word, c);
  }
  // Takes all of an expansion, whatever blanks and quotes it has: the word goes on behind it.
  void note_expansion(Word& word, char c) {
    constexpr std::string_view kSpecial = "@*#?!$-";
    if (c == '`') {
      take_until(word, '`', '`');
      word.problem = "it uses the output of a command";
    } else if (c != '$' || at_end()) {
      return;
    } else if (peek() == '(') {
      take_until(word, '(', ')');
      word.problem = "it uses the output of a command";
    } else if (peek() == '{') {
      take_until(word, '{', '}');
      word.problem = "it uses another variable";
    } else if (is_name_character(peek()) || kSpecial.find(peek()) != std::string_view::npos) {
      word.problem = "it uses another variable";
    }
  }
  void take_until(Word& word, char begin, char end) {
    for (int depth = begin == end ? 1 : 0; !at_end();) {
      const char c = advance();
      word.text += c;
      if (c == end) {
        if (--depth <= 0) return;
      } else if (c == begin) {
        ++depth;
      }
    }
  }
  void close(Word& word) {
    if (at_end()) {
      word.problem = "its quote is not closed";
    } else {
      advance();
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  unsigned line_ = 1;
};

// The length of the name in front of an unquoted '='; 0: the word is not an assignment.
size_t name_length(const Word& word) {
  const size_t equals = word.text.find('=');
  if (equals == std::string::npos || equals == 0 || equals >= word.plain) return 0;
  const std::string_view name = std::string_view(word.text).substr(0, equals);
  const bool append = name.ends_with('+');
  const std::string_view bare = append ? name.substr(0, name.size() - 1) : name;
  if (bare.empty() || (bare.front() >= '0' && bare.front() <= '9')) return 0;
  return std::ranges::all_of(bare, is_name_character) ? equals : 0;
}

ShellAssignment assignment_of(const Word& word, size_t length) {
  ShellAssignment assignment{.line = word.line,
                             .name = word.text.substr(0, length),
                             .value = word.text.substr(length + 1),
                             .problem = word.problem};
  if (assignment.name.ends_with('+')) {
    assignment.name.pop_back();
    assignment.problem = "it adds to an earlier value";
  }
  return assignment;
}

// Words after which the rest of the file may be executed conditionally, or not at all.
constexpr std::array<std::string_view, 13> kBlockWords = {
    "if", "for", "while", "until", "case", "select", "function", "{", "return", "exit", "exec", "eval", "!"};

}  // namespace

std::vector<ShellAssignment> parse_shell_assignments(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<ShellAssignment> found;
  ShellScanner scanner(text);
  std::string block;  // why nothing more is taken
  while (auto command = scanner.next()) {
    auto& words = command->words;
    if (!words.empty() && (words.front().text == "export" || words.front().text == "readonly") &&
        words.size() > 1)
      words.erase(words.begin());
    const bool assigns = !words.empty() && !command->has_operator &&
                         std::ranges::all_of(words, [](const Word& word) { return name_length(word) != 0; });
    if (!assigns) {
      found.push_back({command->line, {}, command->source, "it is a command, and no command is run"});
    } else {
      for (const auto& word : words) {
        found.push_back(assignment_of(word, name_length(word)));
        if (!block.empty()) found.back().problem = block;
      }
    }
    const bool keyword =
        !words.empty() && std::ranges::find(kBlockWords, words.front().text) != kBlockWords.end();
    if (block.empty() && !assigns && (command->opens_block || keyword))
      block = fmt::format("it stands in or behind the command of line {}", command->line);
  }
  return found;
}

}  // namespace lifeboat::migration
