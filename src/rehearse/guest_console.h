// SPDX-License-Identifier: GPL-2.0-or-later
// What a guest says on a serial line that QEMU writes into a file, as it says it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/base/file.h"

namespace lifeboat::rehearse {

class Console {
 public:
  explicit Console(std::string path) : path_(std::move(path)) {}

  // The whole lines that have come since the last call; what is behind the last newline waits.
  std::vector<std::string> new_lines();
  // The end of everything said so far, for an error message.
  [[nodiscard]] std::string tail(size_t lines) const;

 private:
  std::string path_;
  UniqueFd file_;
  uint64_t offset_ = 0;
  std::string partial_;
};

// NAME of a line "lifeboat: phase NAME" (capture/plan/capture_plan.h), wherever in the line it begins: the
// kernel's own messages may stand in front of it.
std::optional<std::string> phase_in(const std::string& line);

}  // namespace lifeboat::rehearse
