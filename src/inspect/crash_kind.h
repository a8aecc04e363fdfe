// SPDX-License-Identifier: GPL-2.0-or-later
// The kinds of crash, and how they are recognised: by a line of the kernel's log, or, without a log, by a
// function on the stack of the CPU that crashed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "src/vmcore/architecture.h"

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

// By the message after "Kernel panic - not syncing: ". nullopt: it has no kind ("Fatal exception").
std::optional<CrashKind> kind_of_panic(std::string_view words);

// The first line of an error report of the kernel.
struct ErrorLine {
  CrashKind kind = CrashKind::unknown;
  // The kernel does not continue undamaged after it (an oops). Others are reports that are followed by a
  // panic only when the kernel is configured so.
  bool fatal = false;
};
std::optional<ErrorLine> parse_error_line(std::string_view line);

// By a function that is on the stack only in that kind of crash.
std::optional<CrashKind> kind_of_function(const Architecture& architecture, std::string_view function);

}  // namespace lifeboat::inspect
