// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat status
#include "base/size.h"
#include "cli/command.h"
#include "loader/system_state.h"

namespace lifeboat::cli {
namespace {

struct Verdict {
  std::string reason;     // why not armed; empty: armed
  std::string next_step;  // what to do about it
};

Verdict judge(const SystemState& state) {
  if (state.armed()) return {};
  if (!state.crash_loaded)
    return {"the running kernel cannot load a capture kernel (no kexec_crash_loaded in /sys/kernel)",
            "use a kernel with CONFIG_KEXEC_FILE and CONFIG_CRASH_DUMP"};
  if (state.crash_size == 0)
    return {"no memory is reserved for a capture kernel", "put crashkernel=256M on the kernel command line, and reboot"};
  if (state.load_disabled.value_or(false))
    return {"no capture kernel is loaded, and loading is switched off (kernel.kexec_load_disabled)",
            "find what sets it in /etc/sysctl.d; it lasts until the next boot"};
  return {"memory is reserved, but no capture kernel is loaded", "run 'lifeboat build' and 'lifeboat load --crash'"};
}

template <typename T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

nlohmann::ordered_json to_json(const SystemState& state, const Verdict& verdict) {
  auto ranges = nlohmann::ordered_json::array();
  for (const auto& range : state.crash_ranges)
    ranges.push_back({{"start", fmt::format("{:#x}", range.start)}, {"end", fmt::format("{:#x}", range.end)}});
  return {{"armed", state.armed()},
          {"reason", verdict.reason},
          {"next_step", verdict.next_step},
          {"reserved_bytes", or_null(state.crash_size)},
          {"reserved_ranges", ranges},
          {"kexec_loaded", or_null(state.normal_loaded)},
          {"load_disabled", or_null(state.load_disabled)},
          {"load_limit_panic", or_null(state.limit_panic)},
          {"load_limit_reboot", or_null(state.limit_reboot)},
          {"lockdown", state.lockdown},
          {"crash_hotplug", or_null(state.crash_hotplug_cpu)}};
}

void print_text(const SystemState& state, const Verdict& verdict) {
  if (state.armed()) {
    fmt::print("armed: a capture kernel is loaded\n");
  } else {
    fmt::print("NOT armed: {}\n  next: {}\n", verdict.reason, verdict.next_step);
  }
  if (state.crash_size.value_or(0) > 0) fmt::print("reserved: {}\n", format_size(*state.crash_size));
  if (state.normal_loaded.value_or(false)) fmt::print("a kernel for a kexec reboot is loaded too\n");
  if (!state.lockdown.empty() && state.lockdown != "none")
    fmt::print("lockdown: {}: only kernels with a trusted signature can be loaded\n", state.lockdown);
  if (state.limit_panic.value_or(-1) >= 0) fmt::print("loads left: {} (kernel.kexec_load_limit_panic)\n", *state.limit_panic);
}

}  // namespace

Result<int> run_status(const Arguments& arguments) {
  CommandLine line("status", "", "Is this machine armed? Exit code 0: yes; 3: no, and why.");
  if (!TRY(line.parse(arguments))) return kDone;
  const SystemState state = read_system_state(SystemPaths{});
  const Verdict verdict = judge(state);
  if (line.json()) {
    print_json(to_json(state, verdict));
  } else {
    print_text(state, verdict);
  }
  return state.armed() ? kDone : kNo;
}

}  // namespace lifeboat::cli
