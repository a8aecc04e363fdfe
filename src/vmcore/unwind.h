// SPDX-License-Identifier: GPL-2.0-or-later
// Stacks of the kernel: from the innermost function outwards. How a frame leads to its caller, which stacks
// there are, and what they are called is the architecture's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/vmcore/registers.h"
#include "src/vmcore/tasks.h"

namespace lifeboat {

// Names of stacks that all architectures have. The others have names of their own ("IRQ"), which are
// constants.
inline constexpr std::string_view kTaskStack = "task", kUnknownStack = "unknown";

struct Frame {
  uint64_t address = 0;  // return address, or where it was interrupted
  uint64_t stack_pointer = 0;
  std::string_view stack = kTaskStack;
  bool reliable = true;      // false: guessed, or in code without an unwind table; see Backtrace::fallback
  bool interrupted = false;  // the address is of an instruction that was interrupted, not of a call's return
  std::optional<RegisterSet> registers;  // at a boundary: what the exception, interrupt or NMI saved
};

struct Backtrace {
  std::vector<Frame> frames;  // innermost first
  // Of user mode, when that is what the innermost kernel function was entered from. No frame is made of it.
  std::optional<RegisterSet> user;
  std::string end;       // why it ended where it did; empty: at its proper end
  std::string fallback;  // why, and how, the frames that are not reliable were found; empty: there are none
};

// Architecture::unwinder() makes it. Bounded for any contents of the stack. Not for several threads at once.
class Unwinder {
 public:
  virtual ~Unwinder() = default;

  // What could not be found, and why: tables, stacks.
  [[nodiscard]] virtual const std::vector<std::string>& notes() const = 0;

  // A task that slept: from where it saved its stack pointer.
  [[nodiscard]] virtual Backtrace sleeping(const Task& task) const = 0;
  // A CPU that was running: from the registers of its NT_PRSTATUS note or crash_notes. `task`: what it ran,
  // nullptr if that is not known.
  [[nodiscard]] virtual Backtrace running(const RegisterSet& registers, const Task* task) const = 0;
};

}  // namespace lifeboat
