// SPDX-License-Identifier: GPL-2.0-or-later
// An opened dump with everything that can be read from it. Each part is read once, when it is first needed; a
// part that cannot be read returns the reason, and its users report what is missing without it.
#pragma once

#include <memory>

#include "src/dump/dump.h"
#include "src/inspect/debug_info.h"
#include "src/vmcore/cpu_registers.h"
#include "src/vmcore/kernel_memory.h"
#include "src/vmcore/kernel_types.h"
#include "src/vmcore/module_symbols.h"
#include "src/vmcore/per_cpu.h"
#include "src/vmcore/printk.h"
#include "src/vmcore/symbols.h"
#include "src/vmcore/tasks.h"
#include "src/vmcore/unwind.h"

namespace lifeboat::inspect {

// Not for several threads at once.
class Session {
 public:
  // The container must be readable, and of a machine whose memory can be read; what the memory holds is not
  // checked.
  static Result<Session> open(const std::string& path);
  // Of one that is open already. For a machine whose memory cannot be read, kernel() has the reason.
  // `architecture`: instead of that of the dump's machine; it outlives this object.
  static Session over(std::unique_ptr<Dump> dump, const Architecture* architecture = nullptr);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  [[nodiscard]] Dump& dump() const;
  // Not a dump but the running kernel: nothing crashed, and each part is read at another moment.
  [[nodiscard]] bool live() const { return dump().info().live(); }
  [[nodiscard]] const Result<KernelMemory>& kernel() const;
  [[nodiscard]] const Result<KernelLog>& log() const;
  [[nodiscard]] const Result<Kallsyms>& symbols() const;
  [[nodiscard]] const Result<KernelTypes>& types() const;
  [[nodiscard]] const Result<PerCpu>& per_cpu() const;
  [[nodiscard]] const Result<ModuleList>& modules() const;
  // Symbols of the kernel and its modules; nullptr: there are none, symbols() has the reason.
  [[nodiscard]] const Symbols* names() const;
  [[nodiscard]] const Result<TaskList>& tasks() const;
  [[nodiscard]] const Result<std::unique_ptr<Unwinder>>& unwinder() const;
  // The registers of each CPU at the crash.
  [[nodiscard]] const Result<std::vector<CpuRegisters>>& registers() const;

  // Optional: stacks then have lines and inlined functions, expressions more variables.
  void set_debug_info(std::unique_ptr<DebugInfo> debug_info);
  [[nodiscard]] DebugInfo* debug_info() const;  // nullptr: there is none

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  // Later parts keep references to earlier ones: these must not move when the session moves.
  std::unique_ptr<State> state_;
};

}  // namespace lifeboat::inspect
