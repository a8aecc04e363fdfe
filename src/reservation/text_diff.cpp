// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/text_diff.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace lifeboat::reservation {
namespace {

constexpr size_t kContext = 3;

struct Line {
  char mark;  // ' ', '-', '+'
  std::string_view text;
};

// Each with its newline; the last may have none.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end == std::string_view::npos ? end : end + 1));
    text.remove_prefix(lines.back().size());
  }
  return lines;
}

// By the longest common subsequence: common[i][j] of the lines from i and from j on.
std::vector<Line> compare(const std::vector<std::string_view>& before,
                          const std::vector<std::string_view>& after) {
  std::vector<std::vector<size_t>> common(before.size() + 1, std::vector<size_t>(after.size() + 1));
  for (size_t i = before.size(); i-- > 0;) {
    for (size_t j = after.size(); j-- > 0;) {
      common[i][j] =
          before[i] == after[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<Line> script;
  size_t i = 0, j = 0;
  while (i < before.size() || j < after.size()) {
    if (i < before.size() && j < after.size() && before[i] == after[j]) {
      script.push_back({' ', before[i++]});
      ++j;
    } else if (i < before.size() && (j == after.size() || common[i + 1][j] >= common[i][j + 1])) {
      script.push_back({'-', before[i++]});
    } else {
      script.push_back({'+', after[j++]});
    }
  }
  return script;
}

// "@@ -1,4 +1,5 @@"; an empty side begins at the line before it.
std::string range(size_t first, size_t count) {
  return fmt::format("{},{}", count == 0 ? first : first + 1, count);
}

void append_hunk(std::string& text, const std::vector<Line>& script, size_t begin, size_t end) {
  const auto count = [&](size_t from, size_t to, char other) {
    return static_cast<size_t>(std::count_if(script.begin() + static_cast<ptrdiff_t>(from),
                                             script.begin() + static_cast<ptrdiff_t>(to),
                                             [&](const Line& line) { return line.mark != other; }));
  };
  text += fmt::format("@@ -{} +{} @@\n", range(count(0, begin, '+'), count(begin, end, '+')),
                      range(count(0, begin, '-'), count(begin, end, '-')));
  for (size_t at = begin; at < end; ++at) {
    text += script[at].mark;
    text += script[at].text;
    if (!script[at].text.ends_with('\n')) text += "\n\\ No newline at end of file\n";
  }
}

}  // namespace

std::string unified_diff(const std::string& path, const std::optional<std::string>& before,
                         const std::optional<std::string>& after) {
  if (before == after) return {};
  const std::string_view old_text = before ? std::string_view(*before) : "",
                         new_text = after ? std::string_view(*after) : "";
  const auto script = compare(lines_of(old_text), lines_of(new_text));
  std::string text = fmt::format("--- {}\n+++ {}\n", before ? path : "/dev/null", after ? path : "/dev/null");
  for (size_t at = 0; at < script.size();) {
    if (script[at].mark == ' ') {
      ++at;
      continue;
    }
    // The hunk ends where more than twice the context is unchanged.
    size_t last = at;
    for (size_t next = at; next < script.size() && next - last <= 2 * kContext; ++next) {
      if (script[next].mark != ' ') last = next;
    }
    const size_t end = std::min(last + 1 + kContext, script.size());
    append_hunk(text, script, at - std::min(at, kContext), end);
    at = end;
  }
  return text;
}

}  // namespace lifeboat::reservation
