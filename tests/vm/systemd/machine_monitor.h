// SPDX-License-Identifier: GPL-2.0-or-later
// QEMU's monitor: what somebody does to the machine from outside, such as plugging in a disk. Speaks QMP
// (docs/interop/qmp-intro in QEMU).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "src/base/error.h"

namespace lifeboat::test {

class MachineMonitor {
 public:
  // `socket`: a path of 107 bytes at most, for QEMU to listen on.
  explicit MachineMonitor(std::string socket) : socket_(std::move(socket)) {}

  // What QEMU is to be started with.
  [[nodiscard]] std::vector<std::string> arguments() const;
  // One command, done when this returns. An error that QEMU reports is the error.
  [[nodiscard]] Result<> execute(const std::string& command, const nlohmann::json& arguments = {}) const;

 private:
  std::string socket_;
};

}  // namespace lifeboat::test
