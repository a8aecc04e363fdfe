// SPDX-License-Identifier: GPL-2.0-or-later
// One screen about a crash: what crashed, how, where, and what the machine was doing. Every part that is not
// available has the reason; the others are valid.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/inspect/machine_summary.h"
#include "src/inspect/memory_use.h"
#include "src/inspect/named_stacks.h"
#include "src/inspect/signature.h"
#include "src/inspect/taint.h"
#include "src/inspect/tainting_modules.h"

namespace lifeboat::inspect {

// Tasks that wait in the same place.
struct BlockedGroup {
  std::vector<const Task*> tasks;
  NamedStack stack;  // of the first
};

struct Report {
  MachineSummary machine;
  uint32_t cpus = 0;  // 0: not known

  // For a running kernel (machine.live) these are empty down to `cpus_without_stack`, except the taint.
  CrashKind kind = CrashKind::unknown;
  std::string reason;           // why that kind; empty: none
  std::string address_meaning;  // of the address whose access failed; empty: nothing
  std::optional<uint32_t> cpu;  // that panicked
  std::optional<int32_t> pid;   // of the task that ran there
  std::optional<std::string> comm;
  Result<uint64_t> taint = {};  // tainted_mask

  // The stack with the error: of the CPU that panicked, or of the task or CPU that hung.
  std::string stack_title;
  Result<NamedStack> stack = {};
  bool noticed_elsewhere = false;  // it is not that of the CPU that panicked
  size_t panic_frames = 0;         // at its beginning: only the panic path, or the task that noticed
  // Whether interrupts were off where the error was; nullopt: not known.
  std::optional<bool> interrupts_off;
  Signature signature;
  std::vector<NamedStack> other_cpus;
  std::vector<std::string> cpus_without_stack;  // "CPU 3: saved no registers"

  Result<size_t> task_count = {};
  std::map<char, size_t> states;  // how many tasks are in each
  std::vector<BlockedGroup> blocked;
  Result<MemoryUse> memory = {};
  Result<std::vector<ProcessMemory>> processes = {};  // the largest
  Result<std::vector<TaintingModule>> tainting_modules = {};
  std::vector<LogRecord> last_records;  // the last is that of the panic, if there is one
  size_t records_behind = 0;            // that follow in the log
  std::vector<std::string> notes;       // limits of the rest of the report
};

// `session` must outlive the report. Bounded in time for any dump.
Report make_report(const Session& session);

}  // namespace lifeboat::inspect
