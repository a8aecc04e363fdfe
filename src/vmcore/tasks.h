// SPDX-License-Identifier: GPL-2.0-or-later
// The tasks of the dumped kernel: every thread, found by the list of processes and the threads of each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/vmcore/kernel_types.h"

namespace lifeboat {

struct Task {
  uint64_t address = 0;  // of its task_struct
  int32_t pid = 0, tgid = 0, ppid = 0;
  std::string comm;
  char state = '?';  // as ps: R S D T t X Z P I, '?' unknown
  uint32_t cpu = 0;
  bool on_cpu = false;         // was running
  bool kernel_thread = false;  // PF_KTHREAD
  uint64_t stack = 0;          // lowest address of its kernel stack
  uint64_t stack_pointer = 0;  // where it slept
  uint64_t mm = 0;             // 0: a kernel thread
};

struct TaskList {
  std::vector<Task> tasks;         // idle tasks (pid 0, one a CPU) first, then by pid
  std::vector<std::string> notes;  // which parts of the lists could not be read, and why
};

// A damaged list yields what can be reached, both ways round; loops and wild pointers end it with a note. An
// Error when the walk cannot start (no init_task, no types).
Result<TaskList> read_tasks(const KernelMemory& memory, const KernelTypes& types, const Kallsyms& symbols);

}  // namespace lifeboat
