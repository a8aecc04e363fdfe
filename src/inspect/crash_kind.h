// SPDX-License-Identifier: GPL-2.0-or-later
// The kinds of crash, and what tells them: a line of the kernel's log, or a function on the stack of the CPU
// that crashed when there is no log.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lifeboat::inspect {

enum class CrashKind : uint8_t {
  unknown,
  sysrq,
  null_dereference,
  bad_address,
  general_protection,
  bug,
  divide_error,
  invalid_opcode,
  stack_overflow,
  stack_corruption,
  double_fault,
  machine_check,
  nmi,
  hung_task,
  soft_lockup,
  hard_lockup,
  rcu_stall,
  out_of_memory,
  memory_checker,
  warning,
  init_died,
  no_root,
  oops,
  panic,
};

std::string_view kind_name(CrashKind kind);  // "null_dereference": part of the JSON form, never changes
std::string_view kind_explanation(CrashKind kind);  // one sentence for people

// By the words behind "Kernel panic - not syncing: ". nullopt: they do not tell ("Fatal exception").
std::optional<CrashKind> kind_of_panic(std::string_view words);

// A line with which the kernel begins to tell of trouble.
struct Trouble {
  CrashKind kind = CrashKind::unknown;
  // The kernel does not go on after it unharmed (an oops). Others are reports that are followed by a panic
  // only when the administrator wants it so.
  bool fatal = false;
};
std::optional<Trouble> trouble_of_line(std::string_view line);

// By a function that stands on the stack only in that kind of crash.
std::optional<CrashKind> kind_of_function(std::string_view function);

}  // namespace lifeboat::inspect
