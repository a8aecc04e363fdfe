// SPDX-License-Identifier: GPL-2.0-or-later
// Stacks with names: of tasks that slept, and of CPUs that were running.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/inspect/session.h"

namespace lifeboat::inspect {

struct NamedFrame {
  Frame frame;
  std::string symbol;  // "0x..." when it is unknown
  std::string module;  // empty: the kernel itself
  std::optional<uint64_t> offset, size;
  bool named = false;
  bool panic_path = false;  // it only leads from an error to the capture kernel
  // With debug information: functions inlined there, innermost first, each with the place in it; and the
  // place in the function that `symbol` names. Empty, 0: not known.
  std::vector<SourcePlace> inlined;
  std::string file;
  uint32_t line = 0;
  [[nodiscard]] std::string to_string() const;  // "vfs_read+0x1a/0x2b0 [module]"
};

struct NamedStack {
  int32_t pid = -1;  // -1: which task is not known
  std::string comm;
  uint32_t cpu = 0;
  char state = '?';
  bool running = false;            // was on its CPU
  std::vector<NamedFrame> frames;  // innermost first
  std::string end;                 // why it stopped there; empty: at the stack's end
};

// The name of a code address. `call_return`: the address after a call, which may be in the next function.
NamedFrame name_address(const Session& session, uint64_t address, bool call_return);

// Of one task, whether it slept or was running when the machine crashed.
Result<NamedStack> stack_of_task(const Session& session, const Task& task);
// Of a CPU: from the registers that it saved.
Result<NamedStack> stack_of_cpu(const Session& session, uint32_t cpu);
// Calls `each` with that of each task, then of each CPU whose task is not known: in a damaged dump this may
// be the CPU that panicked. Of a stack that cannot be read, `end` says why. An Error without tasks or unwind
// tables.
Result<> all_stacks(const Session& session, const std::function<void(const NamedStack&)>& each);

// The task that ran on the CPU; nullptr: not known.
const Task* running_task(const Session& session, uint32_t cpu);
// The CPU that panicked (panic_cpu, crashing_cpu).
std::optional<uint32_t> panic_cpu(const Session& session);

}  // namespace lifeboat::inspect
