// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration that a kernel was built with: the text file config-RELEASE, or /proc/config.gz.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/error.h"

namespace lifeboat {

// Names are given with their prefix: "CONFIG_CRASH_DUMP".
class KernelConfig {
 public:
  // Lines CONFIG_NAME=VALUE and "# CONFIG_NAME is not set"; `corrupt` when there is not one of them, or a
  // line is neither that, nor a comment, nor empty.
  static Result<KernelConfig> parse(std::string_view text);

  [[nodiscard]] bool builtin(std::string_view name) const { return is(name, "y"); }
  [[nodiscard]] bool module(std::string_view name) const { return is(name, "m"); }
  [[nodiscard]] bool enabled(std::string_view name) const { return builtin(name) || module(name); }
  // As written, strings without their quotes; nullopt when not set.
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;

  [[nodiscard]] size_t size() const { return values_.size(); }
  // Where find_kernel_config() found it; empty after parse().
  std::string origin;

 private:
  [[nodiscard]] bool is(std::string_view name, std::string_view wanted) const;

  std::map<std::string, std::string, std::less<>> values_;
};

// Of the kernel `release`, looked for in: config-RELEASE beside `kernel_path` (skipped when empty),
// /boot/config-RELEASE, MODULES_DIR/config (skipped when empty), and for the running kernel /proc/config.gz.
// `modules_dir` is the folder of that release: /lib/modules/RELEASE. `not_found` lists where it looked.
// `root` stands before /boot and /proc, for tests.
Result<KernelConfig> find_kernel_config(const std::string& kernel_path, const std::string& release,
                                        const std::string& modules_dir, const std::string& root = {});

}  // namespace lifeboat
