// SPDX-License-Identifier: GPL-2.0-or-later
// The registers of a CPU, saved when the kernel was entered or when the machine crashed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace lifeboat {

struct RegisterSet {
  uint64_t instruction_pointer = 0, stack_pointer = 0;
  bool user_mode = false;
  bool interrupts_off = false;
  bool complete = true;  // false: `values` has only what the processor itself saves
  struct Value {
    std::string_view name;
    uint64_t value = 0;
  };
  // By the names of the architecture, which own the text, in the order of its struct pt_regs.
  std::vector<Value> values;

  // nullopt: the architecture has no register of that name, or it was not saved.
  [[nodiscard]] std::optional<uint64_t> value(std::string_view name) const {
    for (const Value& one : values)
      if (one.name == name) return one.value;
    return std::nullopt;
  }
};

// What an NT_PRSTATUS note holds.
struct SavedRegisters {
  int32_t pid = 0;  // of the task that ran
  RegisterSet registers;
};

}  // namespace lifeboat
