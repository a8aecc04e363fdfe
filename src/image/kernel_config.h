// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel's build configuration (.config), where distributions keep it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace lifeboat {

class KernelConfig {
 public:
  // `corrupt` when not one line is a CONFIG_ setting. Lines that are neither settings nor comments are passed over.
  static Result<KernelConfig> parse(std::string_view text);

  [[nodiscard]] bool builtin(std::string_view name) const { return value(name) == "y"; }
  [[nodiscard]] bool module(std::string_view name) const { return value(name) == "m"; }
  // Without the quotes of a string. nullopt: not set.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// Looks for the configuration of a kernel: config-RELEASE beside its image, in /boot, MODULE_FOLDER/config, and
// /proc/config.gz when RELEASE is the running kernel. `not_found` lists these.
Result<KernelConfig> find_kernel_config(const std::string& kernel_path, const std::string& release,
                                        const std::string& module_folder);

}  // namespace lifeboat
