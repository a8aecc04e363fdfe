// SPDX-License-Identifier: GPL-2.0-or-later
// Where the stacks of an x86-64 kernel lie: each CPU's for interrupts and exceptions
// (arch/x86/kernel/dumpstack_64.c, arch/x86/include/asm/cpu_entry_area.h), and how large a task's is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/vmcore/kernel_types.h"

namespace lifeboat::x86_64 {

// Softirqs run on the stack of interrupts, or on that of the task.
enum class StackKind {
  task,
  irq,
  nmi,
  double_fault,
  debug,
  machine_check,
  vmm_communication,
  entry,
  unknown
};
// A constant: "double fault".
std::string_view stack_kind_name(StackKind kind);

// [begin, end).
struct Stack {
  StackKind kind = StackKind::unknown;
  uint64_t begin = 0, end = 0;
  std::optional<uint32_t> cpu;  // nullopt: a task's
  [[nodiscard]] bool holds(uint64_t address, uint64_t bytes) const {
    return address >= begin && address < end && bytes <= end - address;
  }
  friend bool operator==(const Stack&, const Stack&) = default;
};

class StackMap {
 public:
  // What cannot be found is left out, with a note.
  static StackMap read(const KernelMemory& memory, const KernelTypes& types, const Kallsyms& symbols);
  explicit StackMap(std::vector<Stack> cpu_stacks, uint64_t task_stack_bytes = kUsualTaskStack);

  // The stack of a CPU that the address lies on.
  [[nodiscard]] const Stack* find(uint64_t address) const;
  // The one that begins at `lowest`; task_struct.stack.
  [[nodiscard]] Stack task_stack(uint64_t lowest) const;
  // The one that `address` lies on, supposing that it lies on a task's: they are aligned to their size.
  [[nodiscard]] Stack task_stack_around(uint64_t address) const;
  // Those of the CPUs, by address, not overlapping.
  [[nodiscard]] const std::vector<Stack>& cpu_stacks() const { return stacks_; }
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  static constexpr uint64_t kUsualTaskStack = 16384;  // THREAD_SIZE without KASAN

  std::vector<Stack> stacks_;
  uint64_t task_stack_bytes_;
  std::vector<std::string> notes_;
};

}  // namespace lifeboat::x86_64
