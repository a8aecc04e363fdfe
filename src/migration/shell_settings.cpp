// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/migration/shell_settings.h"

#include <fmt/core.h>

#include <algorithm>

#include "src/migration/shell_assignments.h"

namespace lifeboat::migration {
namespace {

void apply(Draft& draft, const Setting& setting, const ShellRule& rule, const Variables& variables) {
  if (rule.translate != nullptr) {
    rule.translate(draft, setting, variables);
    return;
  }
  const bool harmless = setting.value.empty() || (!rule.harmless.empty() && setting.value == rule.harmless);
  if (harmless && rule.fate != Fate::same) {
    draft.note(setting, Fate::same, setting.value.empty() ? "it is empty" : "it asks for nothing");
  } else {
    draft.note(setting, rule.fate, rule.reason);
  }
}

}  // namespace

void translate_shell_settings(Draft& draft, const std::string& file, std::string_view text,
                              std::span<const ShellRule> rules) {
  const auto assignments = parse_shell_assignments(text);
  // The last assignment counts. One that is not understood makes the earlier ones of its name unknown too.
  std::map<std::string, unsigned, std::less<>> last;
  Variables variables;
  for (const auto& assignment : assignments) {
    if (assignment.name.empty()) continue;
    last[assignment.name] = assignment.line;
    if (assignment.problem.empty()) {
      variables[assignment.name] = assignment.value;
    } else {
      variables.erase(assignment.name);
    }
  }
  for (const auto& assignment : assignments) {
    const Setting setting{file, assignment.line, assignment.name, assignment.value};
    const auto rule = std::ranges::find(rules, assignment.name, &ShellRule::name);
    if (!assignment.problem.empty()) {
      draft.note(setting, Fate::missing, assignment.problem);
    } else if (last.at(assignment.name) != assignment.line) {
      draft.note(setting, Fate::same, fmt::format("line {} sets it again", last.at(assignment.name)));
    } else if (rule == rules.end()) {
      draft.note(setting, Fate::missing, "it is not a variable that lifeboat knows");
    } else {
      apply(draft, setting, *rule, variables);
    }
  }
}

}  // namespace lifeboat::migration
