// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/boot_entry_file.h"

#include <algorithm>
#include <filesystem>

#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat {
namespace {

constexpr std::string_view kBlank = " \t\r";

template <typename Function>
void for_each_line(std::string_view text, Function function) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    // A NUL would truncate a path or a command line unnoticed.
    if (line.empty() || line.starts_with('#') || line.contains('\0')) continue;
    function(line);
  }
}

std::string_view without_quotes(std::string_view value) {
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
    return value.substr(1, value.size() - 2);
  }
  return value;
}

// Words of `text`, with a word "$name" replaced by the words of that variable.
void append_words(std::string_view text, const std::map<std::string, std::string>& variables,
                  std::vector<std::string>& words) {
  for (size_t at = text.find_first_not_of(kBlank); at != text.npos; at = text.find_first_not_of(kBlank)) {
    text.remove_prefix(at);
    const std::string_view word = text.substr(0, text.find_first_of(kBlank));
    text.remove_prefix(word.size());
    if (!word.starts_with('$')) {
      words.emplace_back(word);
      continue;
    }
    const auto variable = variables.find(std::string(word.substr(1)));
    // Not expanded again: a variable's value is text.
    if (variable != variables.end()) append_words(variable->second, {}, words);
  }
}

// GRUB's variables stand between the parameters. Only lines that have one are taken apart: quoted white space
// in the others stays as it is.
std::string expand(const std::string& text, const std::map<std::string, std::string>& variables) {
  if (!text.contains('$')) return text;
  std::vector<std::string> words;
  append_words(text, variables, words);
  std::string expanded;
  for (const auto& word : words) expanded += (expanded.empty() ? "" : " ") + word;
  return expanded;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_key_lines(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> lines;
  for_each_line(text, [&](std::string_view line) {
    const size_t end = line.find_first_of(kBlank);
    if (end != line.npos) lines.emplace_back(line.substr(0, end), trim(line.substr(end)));
  });
  return lines;
}

std::map<std::string, std::string> parse_assignments(std::string_view text) {
  std::map<std::string, std::string> values;
  for_each_line(text, [&](std::string_view line) {
    const size_t equals = line.find('=');
    if (equals == line.npos || equals == 0) return;
    values.insert_or_assign(std::string(line.substr(0, equals)),
                            std::string(without_quotes(line.substr(equals + 1))));
  });
  return values;
}

BootEntryFile BootEntryFile::parse(std::string_view text,
                                   const std::map<std::string, std::string>& variables) {
  BootEntryFile entry;
  const std::pair<std::string_view, std::string BootEntryFile::*> fields[] = {
      {"title", &BootEntryFile::title},
      {"version", &BootEntryFile::version},
      {"machine-id", &BootEntryFile::machine_id},
      {"sort-key", &BootEntryFile::sort_key},
      {"linux", &BootEntryFile::kernel},
      {"efi", &BootEntryFile::efi},
      {"uki", &BootEntryFile::uki},
      {"uki-url", &BootEntryFile::uki_url},
      {"profile", &BootEntryFile::profile},
      {"architecture", &BootEntryFile::architecture},
      {"devicetree", &BootEntryFile::devicetree},
      {"devicetree-overlay", &BootEntryFile::devicetree_overlay}};
  for (auto& [key, value] : parse_key_lines(text)) {
    if (key == "initrd") {
      append_words(value, variables, entry.initrd);
    } else if (key == "extra") {
      entry.extra.push_back(std::move(value));
    } else if (key == "options") {
      if (!entry.options) entry.options.emplace();
      const std::string more = expand(value, variables);
      *entry.options += (entry.options->empty() || more.empty() ? "" : " ") + more;
    } else if (const auto field = std::ranges::find(fields, std::string_view(key),
                                                    [](const auto& each) { return each.first; });
               field != std::end(fields)) {
      entry.*field->second = std::move(value);
    }
  }
  return entry;
}

BootFileName BootFileName::parse(std::string_view name) {
  const size_t dot = std::min(name.rfind('.'), name.size());
  const std::string_view stem = name.substr(0, dot);
  const size_t plus = stem.rfind('+');
  if (plus == stem.npos) return {.id = std::string(name), .tries_left = {}};
  const std::string_view counters = stem.substr(plus + 1);
  const size_t dash = std::min(counters.find('-'), counters.size());
  const auto left = parse_number(counters.substr(0, dash));
  const bool good_rest = dash == counters.size() || parse_number(counters.substr(dash + 1));
  // A '+' that counts nothing is part of the name.
  if (!left || *left > UINT32_MAX || !good_rest) return {.id = std::string(name), .tries_left = {}};
  return {.id = std::string(stem.substr(0, plus)) + std::string(name.substr(dot)),
          .tries_left = static_cast<unsigned>(*left)};
}

std::string path_below(const std::string& root, std::string_view path) {
  std::string text = "/" + std::string(path);
  std::ranges::replace(text, '\\', '/');
  // Absolute, so ".." ends at the root.
  const auto normal = std::filesystem::path(text).lexically_normal().string();
  return root + normal;
}

}  // namespace lifeboat
