// SPDX-License-Identifier: GPL-2.0-or-later
// The ranges of the dumped kernel's code, and the ORC table of each.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "src/vmcore/x86_64/orc.h"

namespace lifeboat::x86_64 {

class CodeMap {
 public:
  explicit CodeMap(const KernelMemory& memory) : memory_(&memory) {}

  // [begin, end); without a table the code has no unwind data. Several ranges may share a table.
  void add(uint64_t begin, uint64_t end, std::shared_ptr<OrcTable> table);
  // Return addresses that tracers put in place of the original one: return_to_handler and similar.
  void add_trampoline(uint64_t address) { trampolines_.push_back(address); }

  // Finds the begin of the function that contains an address.
  using FunctionStart = std::function<std::optional<uint64_t>(uint64_t address)>;
  void set_function_start(FunctionStart start) { function_start_ = std::move(start); }

  [[nodiscard]] bool holds(uint64_t address) const { return range(address) != nullptr; }
  [[nodiscard]] bool is_trampoline(uint64_t address) const;
  // Whether it is the address behind a call instruction. Other values on a stack seldom are.
  [[nodiscard]] bool follows_call(uint64_t address) const;
  [[nodiscard]] std::optional<uint64_t> function_start(uint64_t address) const {
    return function_start_ ? function_start_(address) : std::nullopt;
  }
  // What the direct call before `return_address` calls; nullopt: no such instruction is there.
  [[nodiscard]] std::optional<uint64_t> called_before(uint64_t return_address) const;
  // `not_found`: no table covers it.
  [[nodiscard]] Result<OrcEntry> find(uint64_t address) const;

 private:
  struct Range {
    uint64_t begin = 0, end = 0;
    std::shared_ptr<OrcTable> table;
  };
  [[nodiscard]] const Range* range(uint64_t address) const;

  const KernelMemory* memory_;
  std::vector<Range> ranges_;  // by address
  std::vector<uint64_t> trampolines_;
  FunctionStart function_start_;
  // Many tasks sleep at the same place.
  mutable std::unordered_map<uint64_t, OrcEntry> entries_;
};

}  // namespace lifeboat::x86_64
