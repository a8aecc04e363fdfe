// SPDX-License-Identifier: GPL-2.0-or-later
// Where distributions and developers keep debug files of a kernel and its modules.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"

namespace lifeboat {

class DebugPlaces {
 public:
  // `debug`: the folder of debug files (/usr/lib/debug); `system`: the root that /boot and /lib/modules are
  // below. `release` comes from a dump: one that is not a valid file name is not looked for by name.
  DebugPlaces(std::filesystem::path debug, std::filesystem::path system, std::string_view release);

  // Existing files that may be the kernel's, best first. By build id (if not empty), then by release, so each
  // must be compared with the dump.
  [[nodiscard]] std::vector<std::string> of_kernel(ByteSpan build_id) const;
  // The same of a module; '-' and '_' are the same in `name`.
  [[nodiscard]] std::vector<std::string> of_module(std::string_view name, ByteSpan build_id) const;

 private:
  void find_modules() const;
  [[nodiscard]] std::optional<std::string> by_build_id(ByteSpan build_id) const;

  std::filesystem::path debug_, system_;
  std::string release_;  // empty: unknown
  // All modules' files of this release, by name with '_'; filled when first needed.
  mutable std::optional<std::multimap<std::string, std::string, std::less<>>> modules_;
};

}  // namespace lifeboat
