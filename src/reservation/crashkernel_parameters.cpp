// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/crashkernel_parameters.h"

#include <ranges>

namespace lifeboat::reservation {
namespace {

constexpr std::string_view kName = "crashkernel=";
constexpr std::string_view kSpace = " \t\r\n";
// In a shell file a command line is also delimited by quotes.
constexpr std::string_view kBorder = " \t\r\n\"'";

struct Word {
  size_t begin = 0, end = 0;
};

// The next parameter at or after `from`; end 0: there is none.
Word find_word(std::string_view text, size_t from) {
  for (size_t at = text.find(kName, from); at != std::string_view::npos; at = text.find(kName, at + 1)) {
    if (at != 0 && kBorder.find(text[at - 1]) == std::string_view::npos) continue;
    const size_t end = text.find_first_of(kBorder, at);
    return {at, end == std::string_view::npos ? text.size() : end};
  }
  return {};
}

}  // namespace

std::vector<std::string> parameters_of(std::string_view value) {
  std::vector<std::string> words;
  for (const auto part : std::views::split(value, ' ')) {
    const std::string_view word(part.begin(), part.end());
    if (!word.empty()) words.push_back(std::string(kName) + std::string(word));
  }
  return words;
}

std::vector<std::string> crashkernel_parameters(std::string_view text) {
  std::vector<std::string> words;
  for (Word word = find_word(text, 0); word.end != 0; word = find_word(text, word.end))
    words.emplace_back(text.substr(word.begin, word.end - word.begin));
  return words;
}

std::string without_crashkernel(std::string_view text) {
  std::string rest;
  size_t from = 0;
  for (Word word = find_word(text, 0); word.end != 0; word = find_word(text, word.end)) {
    std::string_view before = text.substr(from, word.begin - from);
    const size_t last = before.find_last_not_of(" \t");
    before = before.substr(0, last == std::string_view::npos ? 0 : last + 1);
    rest += before;
    from = word.end;
  }
  rest += text.substr(from);
  // It was the first parameter: remove the white space that followed it.
  if (from != 0 && rest.find_first_not_of(" \t") != 0 && text.find_first_not_of(" \t") == 0)
    rest.erase(0, rest.find_first_not_of(" \t"));
  return rest;
}

std::string with_parameters(std::string_view text, const std::vector<std::string>& words) {
  const size_t last = text.find_last_not_of(kSpace);
  const size_t end = last == std::string_view::npos ? 0 : last + 1;
  std::string result(text.substr(0, end));
  for (const auto& word : words) result += (result.empty() ? "" : " ") + word;
  result += text.substr(end);
  return result;
}

}  // namespace lifeboat::reservation
