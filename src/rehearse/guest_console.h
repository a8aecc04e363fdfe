// SPDX-License-Identifier: GPL-2.0-or-later
// Follows a guest's serial output, which QEMU writes into a file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/base/file.h"

namespace lifeboat::rehearse {

class Console {
 public:
  explicit Console(std::string path) : path_(std::move(path)) {}

  // The whole lines since the last call; a line without its newline is returned later.
  std::vector<std::string> new_lines();
  // The end of the output so far, for an error message.
  [[nodiscard]] std::string tail(size_t lines) const;

 private:
  std::string path_;
  UniqueFd file_;
  uint64_t offset_ = 0;
  std::string partial_;
};

// NAME of a line "lifeboat: phase NAME" (capture/plan/capture_plan.h), wherever in the line it begins: the
// kernel's own messages may come before it on the line.
std::optional<std::string> phase_in(const std::string& line);

}  // namespace lifeboat::rehearse
