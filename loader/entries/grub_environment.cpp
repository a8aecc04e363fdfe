// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/grub_environment.h"

#include <algorithm>
#include <cctype>

#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat::grub {
namespace {

constexpr size_t kMaxVariables = 2000;
constexpr size_t kLargestValue = 64_KiB;
constexpr std::string_view kSpace = " \t\n\r\f\v";

// Words of a command that are being put together; a word that got no text at all does not become one.
class Assembly {
 public:
  void add(std::string_view text) {
    current_ += text;
    begun_ = true;
  }
  // The value of a variable without quotes: each of its words.
  void add_split(std::string_view value) {
    for (bool first = true;; first = false) {
      value.remove_prefix(std::min(value.find_first_not_of(kSpace), value.size()));
      if (value.empty()) return;
      if (!first) end_word();
      const std::string_view word = value.substr(0, value.find_first_of(kSpace));
      add(word);
      value.remove_prefix(word.size());
    }
  }
  void end_word() {
    if (begun_) words_.push_back(std::move(current_));
    current_.clear();
    begun_ = false;
  }
  std::vector<std::string> take() { return std::move(words_); }

 private:
  std::vector<std::string> words_;
  std::string current_;
  bool begun_ = false;
};

bool is_number(std::string_view name) {
  return std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// $# $* $@ $1: of the parameters; nullopt for the name of a variable.
std::optional<std::vector<std::string>> special(const std::string& name, const Environment& environment) {
  const auto& parameters = environment.parameters;
  if (name == "#") return std::vector{std::to_string(parameters.size())};
  if (name == "*" || name == "@") return parameters;
  if (!is_number(name)) return std::nullopt;
  const auto number = parse_number(name);
  if (!number || *number == 0 || *number > parameters.size()) return std::vector<std::string>{};
  return std::vector{parameters[*number - 1]};
}

void add_variable(Assembly& assembly, const WordPart& part, const Environment& environment,
                  std::vector<std::string>& unset) {
  if (const auto values = special(part.text, environment)) {
    for (size_t i = 0; i < values->size(); ++i) {
      if (!part.quoted) {
        if (i > 0) assembly.end_word();
        assembly.add_split((*values)[i]);
        continue;
      }
      if (i > 0 && part.text == "@") assembly.end_word();
      if (i > 0 && part.text == "*") assembly.add(" ");
      assembly.add((*values)[i]);
    }
    return;
  }
  const std::string* value = environment.find(part.text);
  if (value == nullptr && part.text != "?") unset.push_back(part.text);
  if (value == nullptr || value->empty()) return;
  // What is unknown may hold any number of words; it counts as one.
  if (part.quoted || !is_known(*value)) return assembly.add(*value);
  assembly.add_split(*value);
}

// GRUB replaces such a word by the files that match, if it has the module for it.
bool has_wildcard(const Word& word) {
  if (word.empty() || word.front().kind != WordPart::Kind::text ||
      !(word.front().text.starts_with('/') || word.front().text.starts_with('(')))
    return false;
  return std::ranges::any_of(word, [](const WordPart& part) {
    return part.kind == WordPart::Kind::text && !part.quoted &&
           part.text.find_first_of("*?") != std::string::npos;
  });
}

}  // namespace

const std::string* Environment::find(const std::string& name) const {
  const auto found = variables_.find(name);
  return found == variables_.end() ? nullptr : &found->second.value;
}

std::string Environment::get(const std::string& name) const {
  const std::string* value = find(name);
  return value != nullptr ? *value : "";
}

Result<> Environment::set(const std::string& name, std::string value) {
  if (value.size() > kLargestValue)
    return fail(ErrorCode::unsupported, "the value of ${} is longer than {}", name,
                format_size(kLargestValue));
  if (variables_.size() >= kMaxVariables && !variables_.contains(name))
    return fail(ErrorCode::unsupported, "more than {} variables are set", kMaxVariables);
  variables_[name].value = std::move(value);
  return {};
}

uint64_t Environment::size() const {
  uint64_t bytes = 0;
  for (const auto& [name, variable] : variables_) bytes += name.size() + variable.value.size();
  return bytes;
}

void Environment::open_context() {
  outer_.push_back(variables_);
  std::erase_if(variables_, [](const auto& each) { return !each.second.exported; });
}

void Environment::close_context() {
  if (outer_.empty()) return;
  variables_ = std::move(outer_.back());
  outer_.pop_back();
}

Result<Expanded> expand(const std::vector<Word>& words, const Environment& environment, Budget& budget) {
  Assembly assembly;
  Expanded expanded;
  for (const auto& word : words) {
    uint64_t size = 0;
    for (const auto& part : word) {
      if (part.kind == WordPart::Kind::variable) {
        add_variable(assembly, part, environment, expanded.unset);
        const std::string* value = environment.find(part.text);
        size += value != nullptr ? value->size() : 0;
        for (const auto& parameter : environment.parameters) size += parameter.size();
      } else {
        assembly.add(part.text);
        size += part.text.size();
      }
    }
    TRY_VOID(budget.spend(size));
    if (has_wildcard(word)) assembly.add(unknown_value("what the wildcard matches"));
    assembly.end_word();
  }
  expanded.words = assembly.take();
  return expanded;
}

}  // namespace lifeboat::grub
