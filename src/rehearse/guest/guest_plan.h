// SPDX-License-Identifier: GPL-2.0-or-later
// What the first kernel of a rehearsal does: load the capture kernel, then crash. It is in the guest's
// initramfs beside the capture plan, which describes how to find the disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/base/error.h"
#include "src/base/load_call.h"

namespace lifeboat::rehearse {

struct GuestPlan {
  std::string kernel;                      // path on the disk's file system
  std::string initramfs;                   // path on the disk's file system
  std::string command_line;                // of the capture kernel
  LoadCall syscall = LoadCall::automatic;  // that loads it
  std::optional<unsigned> panic_cpu;       // the CPU that crashes; unset: any

  static Result<GuestPlan> parse(std::string_view text);
  [[nodiscard]] std::string to_text() const;
};

inline constexpr const char* kGuestPlanPath = "/lifeboat/rehearsal";
// On the disk, written before the guest panics: copies of /proc (tasks, kallsyms, modules, ...).
inline constexpr const char* kFactsFolder = "/lifeboat-facts";

// Announced by the guest as in capture_plan.h; lifeboat-init's phases follow.
namespace guest_phase {
inline constexpr std::string_view kGuestStart = "guest-start";    // first kernel: PID 1 runs
inline constexpr std::string_view kGuestReady = "guest-ready";    // target mounted, facts recorded
inline constexpr std::string_view kGuestLoaded = "guest-loaded";  // capture kernel loaded
inline constexpr std::string_view kGuestPanic = "guest-panic";    // about to crash
inline constexpr std::string_view kGuestFailed = "guest-failed";  // stops; the reason is printed before
}  // namespace guest_phase

}  // namespace lifeboat::rehearse
