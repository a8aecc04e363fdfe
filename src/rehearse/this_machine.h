// SPDX-License-Identifier: GPL-2.0-or-later
// A rehearsal of this machine: with the capture kernel, initramfs and command line that it loads for a crash,
// in a virtual machine; or for real.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/system_state.h"
#include "src/arming/rehearsal_record.h"
#include "src/config/config.h"
#include "src/rehearse/rehearse.h"

namespace lifeboat::rehearse {

// Whose `crashkernel` a rehearsal of this machine uses.
enum class GuestReservation {
  as_here,  // of this machine's size, if it has one: another would not show that this one is enough
  given,    // RehearsalOptions::crashkernel
};
// Sets what this machine would load: kernel, modules, initramfs, command line. `options.init` is used for an
// initramfs that would be rebuilt. `notes`: what was done for that, and why.
Result<> rehearse_this_machine(const config::Config& config, GuestReservation reservation,
                               RehearsalOptions& options, std::vector<std::string>& notes);

// An option of `lifeboat rehearse` with which the guest differs from this machine, so that the result is not
// valid for `lifeboat check`: the first of those for which `given` (a name without dashes) is true.
std::optional<std::string_view> option_that_differs(const std::function<bool(const std::string&)>& given);

// Of a rehearsal of this machine, for `lifeboat check` (arming::save_rehearsal). `now`: seconds since the
// epoch.
arming::RehearsalRecord rehearsal_record(const RehearsalResult& result, const MachineCapture& machine,
                                         uint64_t now);

// Saves it, whole or not. Only root can: the failure of another user (`root` is false) is not an error.
Result<> record_rehearsal(const RehearsalResult& result, const MachineCapture& machine, uint64_t now,
                          bool root, const std::string& path = arming::kRehearsalFile);

// Paths that a test replaces.
struct RealPaths {
  SystemPaths system;
  std::string pending = arming::kPendingRehearsalFile;

  [[nodiscard]] std::string trigger() const { return system.proc + "/sysrq-trigger"; }
};

// `unsupported` when a crash of this machine would not be captured because nothing is loaded.
Result<> check_armed(const SystemPaths& paths);

// Crashes this machine: records the rehearsal as pending, writes everything back, then triggers the crash.
// Returns only when the machine did not crash: with the reason, and nothing is pending then. `now` as above.
Error crash_this_machine(const RealPaths& paths, uint64_t now);

}  // namespace lifeboat::rehearse
