// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/command_line_text.h"

#include <strings.h>

#include <algorithm>
#include <optional>

#include "src/base/text.h"

namespace lifeboat::reservation {
namespace {

constexpr std::string_view kBlanks = " \t";

struct Line {
  std::string_view text;  // without its newline, and without a carriage return in front of that
  size_t begin = 0;
  size_t number = 0;
};

// Calls visit(line) for each.
template <typename Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  size_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    visit(Line{line, at, number});
    at = end + 1;
  }
}

bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

size_t skip_blanks(std::string_view line, size_t at) {
  return std::min(line.find_first_not_of(kBlanks, at), line.size());
}

// The end of a text in double or single quotes whose first character is at `from`: as a shell reads it, with
// $( ) in it, in which quotes are nested. nullopt: it does not end in this line.
std::optional<size_t> end_of_quoted(std::string_view line, size_t from, char quote) {
  if (quote == '\'') {
    const size_t end = line.find(quote, from);
    return end == std::string_view::npos ? std::nullopt : std::optional(end);
  }
  unsigned depth = 0;
  for (size_t at = from; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '\\') {
      ++at;
    } else if (c == '$' && line.substr(at + 1).starts_with('(')) {
      ++depth;
      ++at;
    } else if (c == ')' && depth > 0) {
      --depth;
    } else if (c == quote && depth == 0) {
      return at;
    }
  }
  return std::nullopt;
}

// Where the value of "NAME=VALUE" begins, also "NAME+=VALUE", "export NAME=" and, with `blanks`, blanks
// beside the '='; npos: another line.
size_t value_of_assignment(std::string_view line, std::string_view name, bool blanks) {
  size_t at = skip_blanks(line, 0);
  constexpr std::string_view kExport = "export ";
  if (line.substr(at).starts_with(kExport)) at = skip_blanks(line, at + kExport.size());
  if (!line.substr(at).starts_with(name)) return std::string_view::npos;
  at += name.size();
  if (blanks) at = skip_blanks(line, at);
  if (line.substr(at).starts_with('+')) ++at;
  if (!line.substr(at).starts_with('=')) return std::string_view::npos;
  ++at;
  return blanks ? skip_blanks(line, at) : at;
}

// The rest of the line without blanks at its end.
TextSpan rest_of(const Line& line, size_t at) {
  const auto last = line.text.find_last_not_of(kBlanks);
  const size_t end = last == std::string_view::npos || last < at ? at : last + 1;
  return {line.begin + at, line.begin + end, line.number};
}

enum class Unquoted { shell_word, rest_of_line };

Result<std::vector<TextSpan>> assignments(std::string_view text, std::string_view name, Unquoted unquoted,
                                          const std::string& path) {
  std::vector<TextSpan> spans;
  std::optional<Error> broken;
  for_each_line(text, [&](const Line& line) {
    const size_t at = value_of_assignment(line.text, name, unquoted == Unquoted::rest_of_line);
    if (at == std::string_view::npos) return;
    const char quote = at < line.text.size() ? line.text[at] : '\0';
    if (quote == '"' || quote == '\'') {
      const auto end = end_of_quoted(line.text, at + 1, quote);
      if (end) {
        spans.push_back({line.begin + at + 1, line.begin + *end, line.number});
      } else if (!broken) {
        broken = Error(ErrorCode::corrupt, fmt::format("{}:{}: the text of {} does not end in this line",
                                                       path, line.number, name))
                     .hint("write it in one line, then try again");
      }
      return;
    }
    if (unquoted == Unquoted::rest_of_line) {
      spans.push_back(rest_of(line, at));
      return;
    }
    const size_t end = std::min(line.text.find_first_of(" \t;#", at), line.text.size());
    spans.push_back({line.begin + at, line.begin + end, line.number, true});
  });
  if (broken) return std::unexpected(*std::move(broken));
  return spans;
}

// A label of extlinux that starts something else than Linux (a menu, memtest, the disk's own boot sector) has
// a program with one of these endings.
bool boots_linux(std::string_view kernel) {
  const std::string_view name = trim(kernel);
  return std::ranges::none_of(std::initializer_list<std::string_view>{".c32", ".com", ".bin", ".bs", ".bss"},
                              [&](std::string_view ending) { return name.ends_with(ending); }) &&
         name.find("memtest") == std::string_view::npos;
}

std::vector<TextSpan> extlinux_lines(std::string_view text) {
  std::vector<TextSpan> spans, block;
  bool linux_label = true;  // what stands in front of the first label is for all
  const auto end_block = [&] {
    if (linux_label) std::ranges::copy(block, std::back_inserter(spans));
    block.clear();
  };
  for_each_line(text, [&](const Line& line) {
    if (value_of_key(line.text, "label") != std::string_view::npos) {
      end_block();
      linux_label = true;
    }
    for (const char* key : {"linux", "kernel", "fit"}) {
      if (const size_t at = value_of_key(line.text, key); at != std::string_view::npos)
        linux_label = boots_linux(line.text.substr(at));
    }
    if (const size_t at = value_of_key(line.text, "append"); at != std::string_view::npos)
      block.push_back(rest_of(line, at));
  });
  end_block();
  return spans;
}

// The second of two texts in quotes; a comment begins with '#'.
std::vector<TextSpan> refind_lines(std::string_view text) {
  std::vector<TextSpan> spans;
  for_each_line(text, [&](const Line& line) {
    const size_t first = skip_blanks(line.text, 0);
    if (first >= line.text.size() || line.text[first] != '"') return;
    const size_t title_end = line.text.find('"', first + 1);
    if (title_end == std::string_view::npos) return;
    const size_t second = skip_blanks(line.text, title_end + 1);
    if (second >= line.text.size() || line.text[second] != '"') return;
    const size_t end = line.text.find('"', second + 1);
    if (end == std::string_view::npos) return;
    spans.push_back({line.begin + second + 1, line.begin + end, line.number});
  });
  return spans;
}

std::vector<TextSpan> limine_lines(std::string_view text) {
  std::vector<TextSpan> spans;
  for_each_line(text, [&](const Line& line) {
    const size_t first = skip_blanks(line.text, 0);
    for (const std::string_view key : {"cmdline:", "kernel_cmdline:", "cmdline=", "kernel_cmdline="}) {
      if (line.text.size() < first + key.size() ||
          ::strncasecmp(line.text.data() + first, key.data(), key.size()) != 0)
        continue;
      spans.push_back(rest_of(line, skip_blanks(line.text, first + key.size())));
      return;
    }
  });
  return spans;
}

std::vector<TextSpan> key_lines(std::string_view text, std::string_view key) {
  std::vector<TextSpan> spans;
  for_each_line(text, [&](const Line& line) {
    const size_t at = value_of_key(line.text, key);
    if (at != std::string_view::npos)
      spans.push_back({line.begin + at, line.begin + line.text.size(), line.number});
  });
  return spans;
}

// Up to the end of the last line that is not a comment: what is added to a comment would be lost.
TextSpan without_last_comments(std::string_view text) {
  TextSpan span;
  for_each_line(text, [&](const Line& line) {
    const std::string_view words = trim(line.text);
    if (words.empty() || words.starts_with('#')) return;
    span.end = std::min(line.begin + line.text.size() + 1, text.size());
    span.line = line.number;
  });
  return span;
}

}  // namespace

size_t value_of_key(std::string_view line, std::string_view key) {
  const size_t begin = skip_blanks(line, 0);
  const size_t end = begin + key.size();
  if (line.size() <= end || !is_blank(line[end])) return std::string_view::npos;
  return ::strncasecmp(line.data() + begin, key.data(), key.size()) == 0 ? end + 1 : std::string_view::npos;
}

Result<std::vector<TextSpan>> find_command_lines(CommandLineForm form, std::string_view text,
                                                 std::string_view name, const std::string& path) {
  switch (form) {
    case CommandLineForm::whole_file:
      return std::vector{without_last_comments(text)};
    case CommandLineForm::options_lines:
      return key_lines(text, name);
    case CommandLineForm::shell_variable:
      return assignments(text, name, Unquoted::shell_word, path);
    case CommandLineForm::zipl:
      return assignments(text, "parameters", Unquoted::rest_of_line, path);
    case CommandLineForm::extlinux:
      return extlinux_lines(text);
    case CommandLineForm::refind:
      return refind_lines(text);
    case CommandLineForm::limine:
      return limine_lines(text);
  }
  return std::vector<TextSpan>();
}

bool are_separate(CommandLineForm form) {
  return form == CommandLineForm::zipl || form == CommandLineForm::extlinux ||
         form == CommandLineForm::refind || form == CommandLineForm::limine;
}

}  // namespace lifeboat::reservation
