// SPDX-License-Identifier: GPL-2.0-or-later
// Files of shell variables: /etc/default/kdump-tools (Debian, Ubuntu), /etc/sysconfig/kdump (kdump-utils, and
// another one of the same name of SUSE's kdump). One table for each.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "src/migration/draft.h"

namespace lifeboat::migration {

// The values of a file that are known, by name.
using Variables = std::map<std::string, std::string, std::less<>>;

struct ShellRule {
  std::string_view name;
  // Without one the rule is a note: `fate` where the value is not `harmless`, else `same`.
  void (*translate)(Draft& draft, const Setting& from, const Variables& variables) = nullptr;
  Fate fate = Fate::same;
  std::string_view harmless;  // a value, besides the empty one, that asks for nothing: "auto"
  std::string_view reason;
};

std::span<const ShellRule> kdump_tools_rules();  // Debian
std::span<const ShellRule> sysconfig_rules();    // kdump-utils and SUSE: their names do not collide

void translate_shell_settings(Draft& draft, const std::string& file, std::string_view text,
                              std::span<const ShellRule> rules);

}  // namespace lifeboat::migration
