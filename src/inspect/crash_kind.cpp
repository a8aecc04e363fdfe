// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/crash_kind.h"

#include <algorithm>
#include <array>

namespace lifeboat::inspect {
namespace {

struct KindText {
  CrashKind kind;
  std::string_view name, explanation;
};
constexpr std::array kKindTexts = {
    KindText{CrashKind::unknown, "unknown",
             "the dump does not show why the kernel ended; it may have been stopped from outside"},
    KindText{CrashKind::sysrq, "sysrq",
             "somebody asked for this crash: 'echo c > /proc/sysrq-trigger' or the SysRq key"},
    KindText{CrashKind::null_dereference, "null_dereference", "the kernel used a NULL pointer"},
    KindText{CrashKind::bad_address, "bad_address", "the kernel used an invalid pointer"},
    KindText{CrashKind::general_protection, "general_protection",
             "the processor refused an access: mostly a pointer that was overwritten or is stale"},
    KindText{CrashKind::bug, "bug", "a check in the kernel (BUG) failed"},
    KindText{CrashKind::divide_error, "divide_error",
             "the kernel divided by zero, or the quotient did not fit"},
    KindText{CrashKind::invalid_opcode, "invalid_opcode", "the processor met an invalid instruction"},
    KindText{CrashKind::stack_overflow, "stack_overflow", "a kernel stack ran over its end"},
    KindText{CrashKind::stack_corruption, "stack_corruption",
             "a function wrote beyond its variables on the stack"},
    KindText{CrashKind::double_fault, "double_fault",
             "an exception while handling an exception: mostly a kernel stack that ran over its end"},
    KindText{CrashKind::machine_check, "machine_check",
             "the hardware reported an error: memory, processor or bus"},
    KindText{CrashKind::nmi, "nmi",
             "an NMI that means a crash: a button, a management controller, failing hardware"},
    KindText{CrashKind::hung_task, "hung_task",
             "a task could not go on for too long (D state): it waits for a lock or for I/O that does not "
             "come"},
    KindText{CrashKind::soft_lockup, "soft_lockup",
             "a CPU ran kernel code for too long without letting others run"},
    KindText{CrashKind::hard_lockup, "hard_lockup", "a CPU ran for too long with interrupts off"},
    KindText{CrashKind::rcu_stall, "rcu_stall", "a CPU or task held the rest of the kernel up for too long"},
    KindText{CrashKind::out_of_memory, "out_of_memory",
             "memory ran out, and the kernel is configured to panic then"},
    KindText{CrashKind::memory_checker, "memory_checker",
             "a memory checker (KASAN, KFENCE, UBSAN) found a bad access"},
    KindText{CrashKind::warning, "warning",
             "a warning, and the kernel is configured to panic then (panic_on_warn)"},
    KindText{CrashKind::init_died, "init_died", "process 1 ended: without it the system cannot go on"},
    KindText{CrashKind::no_root, "no_root", "no root file system, or no init on it"},
    KindText{CrashKind::oops, "oops", "an exception that the kernel could not handle"},
    KindText{CrashKind::panic, "panic", "kernel code or a driver called panic() for the reason that it gave"},
};

struct Rule {
  CrashKind kind;
  std::string_view text;
  std::string_view also = {};  // must follow it
  bool fatal = true;
};

// kernel/panic.c's callers. A text may be anywhere in the message.
constexpr std::array kPanics = {
    Rule{CrashKind::sysrq, "sysrq triggered crash"},
    Rule{CrashKind::hung_task, "hung_task: "},
    Rule{CrashKind::soft_lockup, "softlockup: "},
    Rule{CrashKind::hard_lockup, "Hard LOCKUP"},
    Rule{CrashKind::hard_lockup, "hard LOCKUP"},
    Rule{CrashKind::rcu_stall, "RCU Stall"},
    Rule{CrashKind::machine_check, "machine check"},
    Rule{CrashKind::machine_check, "Machine check"},
    Rule{CrashKind::machine_check, "Not all CPUs entered broadcast exception handler"},
    Rule{CrashKind::machine_check, "Asynchronous SError"},
    Rule{CrashKind::machine_check, "Fatal hardware error"},
    Rule{CrashKind::out_of_memory, "Out of memory"},
    Rule{CrashKind::out_of_memory, "System is deadlocked on memory"},
    Rule{CrashKind::stack_overflow, "corrupted stack end detected"},
    Rule{CrashKind::stack_overflow, "kernel stack overflow"},
    Rule{CrashKind::stack_corruption, "stack-protector: "},
    Rule{CrashKind::init_died, "Attempted to kill init!"},
    Rule{CrashKind::no_root, "Unable to mount root fs"},
    Rule{CrashKind::no_root, "No working init found"},
    Rule{CrashKind::no_root, "Requested init "},
    Rule{CrashKind::warning, "panic_on_warn set"},
    Rule{CrashKind::memory_checker, "kasan.fault=panic set"},
    Rule{CrashKind::nmi, "NMI"},
};

// At the beginning of a line, after an optional "Oops: ". Of all architectures: no text has two meanings.
constexpr std::array kTroubles = {
    Rule{CrashKind::sysrq, "sysrq: Trigger a crash"},
    Rule{CrashKind::sysrq, "sysrq: SysRq : Trigger a crash"},
    Rule{CrashKind::stack_overflow, "BUG: ", "stack guard page was hit"},
    Rule{CrashKind::stack_overflow, "kernel stack overflow"},
    Rule{CrashKind::stack_overflow, "Insufficient stack space to handle exception"},
    Rule{CrashKind::null_dereference, "BUG: kernel NULL pointer dereference"},
    Rule{CrashKind::null_dereference, "BUG: unable to handle kernel NULL pointer"},
    Rule{CrashKind::null_dereference, "Unable to handle kernel NULL pointer"},
    Rule{CrashKind::bad_address, "BUG: unable to handle "},
    Rule{CrashKind::bad_address, "Unable to handle kernel "},
    Rule{CrashKind::general_protection, "general protection "},
    Rule{CrashKind::divide_error, "divide error: "},
    Rule{CrashKind::double_fault, "double fault: "},
    Rule{CrashKind::double_fault, "PANIC: double fault"},
    Rule{CrashKind::double_fault, "traps: PANIC: double fault"},
    Rule{CrashKind::bug, "kernel BUG at "},
    Rule{CrashKind::invalid_opcode, "invalid opcode: "},
    Rule{CrashKind::machine_check, "mce: [Hardware Error]: ", {}, false},
    Rule{CrashKind::soft_lockup, "watchdog: BUG: soft lockup", {}, false},
    Rule{CrashKind::soft_lockup, "BUG: soft lockup", {}, false},
    Rule{CrashKind::hard_lockup, "watchdog: ", "hard LOCKUP", false},
    Rule{CrashKind::hard_lockup, "NMI watchdog: ", "hard LOCKUP", false},
    Rule{CrashKind::hard_lockup, "Watchdog detected hard LOCKUP", {}, false},
    Rule{CrashKind::hung_task, "INFO: task ", " blocked for more than ", false},
    Rule{CrashKind::hung_task, "INFO: task ", " blocked in I/O wait for more than ", false},
    Rule{CrashKind::rcu_stall, "rcu: INFO: ", "stall", false},
    Rule{CrashKind::rcu_stall, "INFO: rcu_", "stall", false},
    Rule{CrashKind::memory_checker, "BUG: KASAN: ", {}, false},
    Rule{CrashKind::memory_checker, "BUG: KFENCE: ", {}, false},
    Rule{CrashKind::memory_checker, "UBSAN: ", {}, false},
    Rule{CrashKind::out_of_memory, "", " invoked oom-killer: ", false},
    Rule{CrashKind::out_of_memory, "Out of memory: ", {}, false},
    Rule{CrashKind::out_of_memory, "oom-kill:", {}, false},
    Rule{CrashKind::nmi, "Uhhuh. NMI received for unknown reason ", {}, false},
    Rule{CrashKind::nmi, "NMI: PCI system error (SERR)", {}, false},
    Rule{CrashKind::nmi, "NMI: IOCK error", {}, false},
    Rule{CrashKind::warning, "WARNING: ", {}, false},
    Rule{CrashKind::oops, "stack segment: "},
    Rule{CrashKind::oops, "int3: "},
    Rule{CrashKind::oops, "Internal error: "},
    Rule{CrashKind::oops, "Oops: "},
    Rule{CrashKind::bug, "BUG: ", {}, false},
};

// On every architecture; exception handlers are the architecture's.
struct FunctionRule {
  CrashKind kind;
  std::string_view function;
};
constexpr std::array kFunctions = {
    FunctionRule{CrashKind::sysrq, "sysrq_handle_crash"},
    FunctionRule{CrashKind::soft_lockup, "watchdog_timer_fn"},
    FunctionRule{CrashKind::hard_lockup, "watchdog_overflow_callback"},
    FunctionRule{CrashKind::hard_lockup, "watchdog_hardlockup_check"},
    FunctionRule{CrashKind::rcu_stall, "panic_on_rcu_stall"},
    FunctionRule{CrashKind::out_of_memory, "out_of_memory"},
    FunctionRule{CrashKind::stack_corruption, "__stack_chk_fail"},
    FunctionRule{CrashKind::warning, "check_panic_on_warn"},
    FunctionRule{CrashKind::hung_task, "check_hung_uninterruptible_tasks"},
};

CrashKind kind_of_exception(Exception exception) {
  switch (exception) {
    case Exception::bad_address:
      return CrashKind::bad_address;
    case Exception::protection:
      return CrashKind::general_protection;
    case Exception::divide_error:
      return CrashKind::divide_error;
    case Exception::invalid_instruction:
      return CrashKind::invalid_opcode;
    case Exception::double_fault:
      return CrashKind::double_fault;
    case Exception::stack_overflow:
      return CrashKind::stack_overflow;
    case Exception::machine_check:
      return CrashKind::machine_check;
    case Exception::nmi:
      return CrashKind::nmi;
  }
  return CrashKind::oops;
}

const KindText& text_of(CrashKind kind) {
  const auto found = std::ranges::find(kKindTexts, kind, &KindText::kind);
  return found == kKindTexts.end() ? kKindTexts.front() : *found;
}

}  // namespace

std::string_view kind_name(CrashKind kind) {
  return text_of(kind).name;
}
std::string_view kind_explanation(CrashKind kind) {
  return text_of(kind).explanation;
}

std::optional<CrashKind> kind_of_panic(std::string_view words) {
  for (const auto& rule : kPanics)
    if (words.find(rule.text) != std::string_view::npos) return rule.kind;
  return std::nullopt;
}

std::optional<ErrorLine> parse_error_line(std::string_view line) {
  constexpr std::string_view kOops = "Oops: ";
  // "Oops: Oops: 0002 [#1]": the second is the name of the exception.
  if (line.starts_with(kOops)) {
    const auto inner = line.substr(kOops.size());
    if (const auto found = parse_error_line(inner)) return found;
  }
  for (const auto& rule : kTroubles) {
    if (!line.starts_with(rule.text)) continue;
    if (!rule.also.empty() && line.find(rule.also, rule.text.size()) == std::string_view::npos) continue;
    return ErrorLine{rule.kind, rule.fatal};
  }
  return std::nullopt;
}

std::optional<CrashKind> kind_of_function(const Architecture& architecture, std::string_view function) {
  for (const auto& rule : kFunctions)
    if (function == rule.function) return rule.kind;
  for (const auto& handler : architecture.facts().exception_handlers)
    if (function == handler.function) return kind_of_exception(handler.exception);
  return std::nullopt;
}

}  // namespace lifeboat::inspect
