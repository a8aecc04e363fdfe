// SPDX-License-Identifier: GPL-2.0-or-later
// One run of a virtual machine: from power on to power off, each phase with its time and every wait with a
// limit.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "src/rehearse/qemu.h"

namespace lifeboat::rehearse {

using Seconds = std::chrono::duration<double>;

struct PhaseTime {
  std::string name;  // capture/plan/capture_plan.h, and "power-off"
  Seconds at{};      // since QEMU was started
};

struct GuestLimits {
  std::chrono::seconds boot{120};    // from one kernel's start to its /init
  std::chrono::seconds phase{300};   // between any two later phases
  std::chrono::seconds total{1200};  // for all of it
};

// How far a guest came.
enum class GuestEnd {
  powered_off,           // through all phases; the dump may still be incomplete
  ended_before_init,     // the first kernel did not reach /init: not a failure of what is rehearsed
  capture_kernel_ended,  // the panic was there, but no /init of the capture kernel
  failed,                // it reported a failure, or ended in the wrong phase
  out_of_time,
};

struct GuestRun {
  GuestEnd end = GuestEnd::failed;
  std::string reason;  // for people; empty when it went well
  std::vector<PhaseTime> phases;
};

// Called as each phase is reached.
using PhaseListener = std::function<void(const PhaseTime&)>;

// Runs the machine to its end. An Error only when QEMU itself cannot be run or `stop` became true (Ctrl-C).
// The machine has always ended when this returns.
Result<GuestRun> run_guest(const std::string& qemu, const VirtualMachine& machine, const GuestLimits& limits,
                           const PhaseListener& listener, const std::atomic<bool>& stop);

}  // namespace lifeboat::rehearse
