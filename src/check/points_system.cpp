// SPDX-License-Identifier: GPL-2.0-or-later
// The running kernel and the system: which loads it permits, what it does at a panic, what starts at boot.
#include "loader/obstacles.h"
#include "src/check/check_facts.h"
#include "src/check/point.h"

namespace lifeboat::check {
namespace {

// The problem of a unit that should be enabled, and the command that fixes it.
void add_trouble(Point& point, const Facts& facts, const std::string& unit) {
  const auto add = [](std::string& text, const std::string& more) {
    text += (text.empty() ? "" : "; ") + more;
  };
  switch (facts.unit(unit)) {
    case UnitState::missing:
      add(point.detail, unit + " is not installed");
      if (point.next.empty()) point.next = "install lifeboat's package again";
      break;
    case UnitState::masked:
      add(point.detail, unit + " is masked");
      add(point.next, fmt::format("systemctl unmask {0}; systemctl enable --now {0}", unit));
      break;
    case UnitState::disabled:
      add(point.detail, unit + " is not enabled");
      add(point.next, "systemctl enable --now " + unit);
      break;
    case UnitState::enabled:
      break;
  }
}

// What requires a signature in lockdown.
std::string signature_demand(const SystemState& state) {
  return state.lockdown && *state.lockdown != Lockdown::none
             ? fmt::format("lockdown ({})", lockdown_name(*state.lockdown))
             : "Secure Boot";
}

bool was_loaded_by_segments(const Facts& facts) {
  return facts.loaded && facts.loaded->call == load_call_name(LoadCall::segments);
}

}  // namespace

Point signature_point(const Facts& facts) {
  Point point{.name = "signature"};
  const bool locked = wants_signature(facts.state);
  if (!locked && facts.state.signature_forced != true) {
    point.detail = "not required";
    return point;
  }
  const std::string why =
      locked ? signature_demand(facts.state) : "the kernel's configuration (KEXEC_SIG_FORCE)";
  const bool segments = facts.config && facts.config->capture.syscall == LoadCall::segments;
  if (locked && segments) {
    // What is loaded was loaded before the lockdown, or by another setting.
    const bool loaded = facts.state.crash_loaded == true;
    point.result = loaded ? PointResult::warning : PointResult::failure;
    point.detail = fmt::format("required by {}, which forbids kexec_load(2): [capture] syscall = segments {}",
                               why, loaded ? "cannot load a kernel again" : "cannot load a kernel");
    point.next = "remove [capture] syscall from lifeboat.conf; then: lifeboat load --crash";
    return point;
  }
  if (!locked && (segments || was_loaded_by_segments(facts))) {
    point.detail = fmt::format("required by {}, but not checked by kexec_load(2)", why);
    return point;
  }
  if (facts.state.crash_loaded == true) {
    point.detail = fmt::format("required by {}: the signature of the loaded kernel was accepted", why);
    return point;
  }
  point.result = PointResult::warning;
  point.detail =
      fmt::format("required by {}: only a load shows whether the kernel's signature is accepted", why);
  point.next = "lifeboat load --crash";
  return point;
}

Point limits_point(const Facts& facts) {
  Point point{.name = "loads permitted", .detail = "without a limit"};
  const bool loaded = facts.state.crash_loaded == true;
  const auto limit = facts.state.crash_load_limit;
  if (facts.state.load_disabled == true || limit == 0) {
    // The loaded kernel stays loaded; only a newer one cannot replace it.
    point.result = loaded ? PointResult::warning : PointResult::failure;
    point.detail = facts.state.load_disabled == true ? "kernel.kexec_load_disabled is 1"
                                                     : "kernel.kexec_load_limit_panic is 0";
    point.detail +=
        loaded ? ": the loaded kernel cannot be replaced before the next boot" : ": nothing can be loaded";
    point.next =
        "reboot; set it only after lifeboat-load.service; to find where it is set: "
        "grep -r kexec_load /etc/sysctl*";
  } else if (limit && *limit > 0) {
    point.detail = fmt::format("{} more", *limit);
  }
  return point;
}

Point panic_point(const Facts& facts) {
  Point point{.name = "panic settings"};
  for (const auto& [name, value] : facts.settings) {
    if (name == "panic" || value == "0") continue;
    point.detail += fmt::format("{}{} = {}", point.detail.empty() ? "panic triggers: " : ", ", name, value);
  }
  if (facts.settings.empty()) point.detail = "not available from the running kernel";
  const auto panic = facts.settings.find("panic");
  if (panic == facts.settings.end() || panic->second != "0") {
    if (panic != facts.settings.end())
      point.detail =
          fmt::format("panic = {}{}{}", panic->second, point.detail.empty() ? "" : "; ", point.detail);
    return point;
  }
  point.result = PointResult::warning;
  point.detail = "kernel.panic is 0: if the capture kernel does not start, the machine hangs" +
                 (point.detail.empty() ? "" : "; " + point.detail);
  point.next = "sysctl kernel.panic=10, and the same in /etc/sysctl.d";
  return point;
}

Point units_point(const Facts& facts) {
  Point point{.name = "units"};
  if (!facts.systemd) {
    point.detail =
        "there is no systemd: at every boot, run 'lifeboat load --crash' and 'lifeboat collect' by other "
        "means";
    return point;
  }
  for (const char* unit : {"lifeboat-load.service", "lifeboat-collect.service"})
    add_trouble(point, facts, unit);
  if (point.detail.empty()) {
    point.detail = "enabled";
    return point;
  }
  point.result = PointResult::warning;
  point.detail += ": the next boot loads no capture kernel, or collects no crash";
  return point;
}

Point hotplug_point(const Facts& facts) {
  Point point{.name = "hotplug", .detail = "the running kernel updates the loaded capture kernel"};
  if (facts.state.cpu_hotplug == true && facts.state.memory_hotplug == true) return point;
  point.detail.clear();
  if (!facts.systemd) {
    point.detail = "there is no systemd, which would reload it";
  } else if (!facts.udev_rule) {
    point.detail = "lifeboat's udev rule is not installed";
    point.next = "install lifeboat's package again";
  } else {
    add_trouble(point, facts, "lifeboat-reload.path");
  }
  if (point.detail.empty()) {
    point.detail = "a udev rule reloads the capture kernel when CPUs or memory are added or removed";
    return point;
  }
  point.result = PointResult::warning;
  point.detail =
      "when CPUs or memory are added or removed, the loaded capture kernel becomes out of date: the running "
      "kernel does not update it, and " +
      point.detail;
  point.next += (point.next.empty() ? "" : "; ") + std::string("after a change: lifeboat load --crash");
  return point;
}

Point watchdog_point(const Facts& facts) {
  Point point{.name = "watchdog", .detail = "none runs"};
  for (const auto& watchdog : facts.watchdogs) {
    if (!watchdog.runs) continue;
    const bool fed = facts.config && facts.config->capture.watchdog;
    const std::string name = fmt::format("{} {} ({})", watchdog.name, watchdog.old ? "may run" : "runs",
                                         watchdog.driver.empty() ? "built in" : watchdog.driver);
    point.detail = name + ", and the capture kernel feeds it";
    if (watchdog.pretimeout > 0)
      point.detail += fmt::format(", with its pretimeout of {} s turned off", watchdog.pretimeout);
    if (fed && watchdog.carried && (watchdog.pretimeout == 0 || watchdog.can_calm)) continue;
    point.result = PointResult::warning;
    if (fed && watchdog.carried) {
      point.detail = fmt::format(
          "{}, and its pretimeout of {} s may panic the capture kernel: this kernel lacks the governor "
          "'noop'",
          name, watchdog.pretimeout);
      point.next = "set no pretimeout in the program that feeds it, or use a kernel with pretimeout_noop";
      return point;
    }
    point.detail = fmt::format("{}, and would restart the machine while it captures: {}", name,
                               fed ? "its driver is not in the initramfs" : "[capture] watchdog is off");
    point.next = fed ? "lifeboat load --crash" : "set [capture] watchdog = yes; then: lifeboat load --crash";
    if (fed && watchdog.old)
      point.next = fmt::format(
          "add a [capture] module = line for {} and one for each driver that it works by "
          "(ipmi_si); then: systemctl reload lifeboat-load",
          watchdog.driver);
    return point;
  }
  return point;
}

Point conflict_point(const Facts& facts) {
  Point point{.name = "other crash tools", .detail = "none is enabled"};
  for (const char* unit : {"kdump-tools.service", "kdump.service", "kdump-early.service"}) {
    if (facts.unit(unit) != UnitState::enabled) continue;
    point.result = PointResult::warning;
    point.detail =
        fmt::format("{} is enabled, and loads its own capture kernel: the last one loaded is used", unit);
    point.next = fmt::format("systemctl disable --now {}; then: lifeboat load --crash", unit);
  }
  return point;
}

}  // namespace lifeboat::check
