// SPDX-License-Identifier: GPL-2.0-or-later
// The steps to a loaded capture kernel: configuration, memory, kernel, modules, initramfs, load.
#include <algorithm>

#include "loader/obstacles.h"
#include "src/arming/capture_kernel.h"
#include "src/base/size.h"
#include "src/check/check_facts.h"
#include "src/check/point.h"
#include "src/reservation/crash_cma.h"

namespace lifeboat::check {
namespace {

constexpr const char* kLoad = "lifeboat load --crash";

// The reservation alone: 'reserve set' refuses while another tool sets crashkernel=.
Point reservation_by_itself(const Facts& facts) {
  Point point{.name = "reservation"};
  const auto& got = facts.state.crash_size;
  if (!got || *got == 0) {
    point.result = PointResult::failure;
    if (!got) {
      point.detail = "cannot read whether memory is reserved for a capture kernel";
      point.next = kNoCrashStateFix;
      return point;
    }
    point.detail = "no memory is reserved for a capture kernel";
    point.next = "lifeboat reserve set auto, then reboot";
    if (facts.reserved.asked.main)
      point.detail += fmt::format(", although crashkernel={} requests it", facts.reserved.asked.main->text);
    if (facts.failed_reservation) {
      point.detail += ": " + facts.failed_reservation->detail;
      point.next = facts.failed_reservation->advice;
    }
    for (const auto& mistake : facts.reserved.asked.mistakes) {
      if (!point.detail.ends_with(mistake)) point.detail += "; " + mistake;
    }
    if (facts.state.xen == XenDomain::dom0) point.next = fmt::format("set {}", kXenCommandLine);
    return point;
  }
  const uint64_t cma = facts.reserved.cma_got.value_or(0);
  point.detail = format_size(*got);
  if (cma != 0) point.detail += fmt::format(" and {} by crashkernel=,cma", format_size(cma));
  if (!facts.estimate) {
    point.result = PointResult::warning;
    point.detail += "; cannot estimate whether it is enough: " + facts.estimate.error().reason();
    point.next = "lifeboat reserve estimate";
    return point;
  }
  // The files are loaded into the first part.
  if (*got >= facts.estimate->least && *got + cma >= facts.estimate->total) {
    point.detail += fmt::format(", about {} are needed", format_size(facts.estimate->total));
    return point;
  }
  // Between the two values a capture may succeed, but without a report and without a margin.
  point.result = *got < facts.estimate->least ? PointResult::failure : PointResult::warning;
  point.detail += fmt::format(" are less than the {} that are needed", format_size(facts.estimate->total));
  if (cma != 0 && *got < facts.estimate->least)
    point.detail += fmt::format(", {} of them in the first part", format_size(facts.estimate->least));
  point.next = "lifeboat reserve set auto, then reboot; or test it: lifeboat rehearse";
  return point;
}

// What is set, and takes effect by a reboot or not at all.
void add_next_boot(const Facts& facts, Point& point) {
  if (!facts.next_boot) return;
  const auto& next = *facts.next_boot;
  if (next.complete) {
    point.detail += fmt::format("; crashkernel={} is set, and takes effect at the next boot", next.value);
    if (point.result != PointResult::ok) point.next = "reboot";
    return;
  }
  if (point.result == PointResult::ok) point.result = PointResult::warning;
  point.detail +=
      fmt::format("; crashkernel={} was not set completely: the boot loader does not use it yet", next.value);
  point.next = fmt::format("lifeboat reserve set '{}'", next.value);
  for (const auto& remaining : next.remains) point.detail += "; remains to be done: " + remaining;
}

// The configured call; empty: the program chooses.
std::string wanted_call(const Facts& facts) {
  if (!facts.config || facts.config->capture.syscall == LoadCall::automatic) return "";
  return std::string(load_call_name(facts.config->capture.syscall));
}

// What crashkernel=,cma has not reserved, and what the dump would lack by it.
void add_cma(Point& point, const Facts& facts) {
  const auto warn = [&](const std::string& text, const std::string& next) {
    if (point.result == PointResult::ok) point.result = PointResult::warning;
    point.detail += "; " + text;
    if (point.next.empty()) point.next = next;
  };
  if (const auto shortage = reservation::cma_shortage(facts.reserved); !shortage.empty())
    warn(shortage, "lifeboat reserve set auto, then reboot");
  if (!facts.config || facts.reserved.cma.empty()) return;
  if (const auto level = reservation::level_with_user_pages(facts.config->dump.level)) {
    warn(fmt::format("[dump] level {} keeps user pages, but those in the cma part would be missing", *level),
         "lifeboat reserve set auto, then reboot; or set [dump] level = 31");
  }
}

// What is configured for the initramfs but could not be included. Targets and their drivers have their own
// points.
std::string what_it_lacks(const Facts& facts) {
  std::string list;
  for (const auto& warning : facts.recipe->warnings) {
    if (warning.kind == arming::RecipeWarningKind::target ||
        warning.kind == arming::RecipeWarningKind::driver)
      continue;
    list += (list.empty() ? "" : "; ") + warning.error.reason();
  }
  return list;
}

}  // namespace

Point configuration_point(const Facts& facts) {
  Point point{.name = "configuration"};
  if (!facts.config) {
    point.result = PointResult::failure;
    point.detail = facts.config.error().reason();
    point.next = facts.config.error().fix.empty() ? "correct that line, then: lifeboat config check"
                                                  : facts.config.error().fix;
    return point;
  }
  for (const auto& file : facts.config->files) point.detail += (point.detail.empty() ? "" : ", ") + file;
  if (point.detail.empty()) point.detail = "no file: defaults are used";
  if (facts.missing_files.empty()) return point;
  point.result = PointResult::warning;
  for (const auto& missing : facts.missing_files) point.detail += "; " + missing;
  point.next = "create them, or remove them from the configuration; then: systemctl reload lifeboat-load";
  return point;
}

Point reservation_point(const Facts& facts) {
  Point point = reservation_by_itself(facts);
  // The boot loader's files for Linux, and what the kernel reserves, are nothing to Xen.
  if (facts.state.xen == XenDomain::dom0) return point;
  add_cma(point, facts);
  add_next_boot(facts, point);
  for (const auto& [where, parameter] : facts.foreign)
    point.detail += fmt::format("; {} has {}, not by lifeboat", where, parameter);
  if (!facts.foreign.empty() && point.result != PointResult::ok && facts.state.crash_size)
    point.next =
        fmt::format("remove {} there, or purge the package that added it (apt purge kdump-tools); then: {}",
                    facts.foreign.front().parameter, point.next);
  return point;
}

Point cpus_point(const Facts& facts) {
  const arming::CaptureCpus& cpus = facts.cpus;
  if (!facts.config)
    return {.name = "capture CPUs",
            .result = PointResult::warning,
            .detail = "not known without a configuration",
            .next = "lifeboat config check"};
  Point point{.name = "capture CPUs", .detail = fmt::format("{}", cpus.count)};
  if (!cpus.reason.empty()) point.detail += ": " + cpus.reason;
  if (!cpus.problem.empty()) {
    point.result = PointResult::warning;
    point.detail += "; " + cpus.problem;
    point.next = cpus.fix;
  }
  if (facts.cpus_that_fit == 0 || facts.cpus_that_fit >= cpus.count) return point;
  point.result = PointResult::warning;
  point.detail += fmt::format("; the reservation has memory for {}", facts.cpus_that_fit);
  const bool by_parameters = cpus.choice == arming::CpuChoice::parameters;
  point.next =
      fmt::format("lifeboat reserve set auto, then reboot; or {}{}",
                  by_parameters ? "[capture] append = nr_cpus=" : "[capture] cpus = ", facts.cpus_that_fit);
  return point;
}

Point kernel_point(const Facts& facts) {
  Point point{.name = "capture kernel"};
  if (!facts.kernel) {
    point.result = PointResult::failure;
    point.detail = facts.kernel.error().reason();
    point.next = facts.kernel.error().fix;
    return point;
  }
  point.detail = *facts.kernel;
  if (facts.kernel_problem.empty()) return point;
  point.result = PointResult::failure;
  point.detail = facts.kernel_problem;
  point.next = arming::kCaptureKernelFix;
  return point;
}

Point modules_point(const Facts& facts) {
  Point point{.name = "modules", .detail = facts.release};
  if (facts.modules_there) return point;
  point.result = PointResult::failure;
  point.detail = fmt::format("the module tree of {} is missing, or has no indexes", facts.release);
  point.next = fmt::format("depmod {}; or install that kernel's package again", facts.release);
  return point;
}

Point initramfs_point(const Facts& facts) {
  Point point{.name = "initramfs", .detail = facts.initramfs};
  if (!facts.recipe) {
    point.result = PointResult::failure;
    point.detail = "cannot build it: " + facts.recipe.error().reason();
    point.next = facts.recipe.error().fix.empty() ? "correct that, then: lifeboat load --crash"
                                                  : facts.recipe.error().fix;
  } else if (facts.initramfs_time == 0) {
    // A load builds it: only a warning while a capture kernel is loaded.
    point.result = facts.state.crash_loaded == true ? PointResult::warning : PointResult::failure;
    point.detail = facts.initramfs + " is not there";
    point.next = kLoad;
  } else if (!facts.stale.empty()) {
    point.result = PointResult::warning;
    point.detail = fmt::format("{} is stale: {}", facts.initramfs, facts.stale);
    point.next = kLoad;
  } else if (const auto lacks = what_it_lacks(facts); !lacks.empty()) {
    point.result = PointResult::warning;
    point.detail = fmt::format("{} is incomplete: {}", facts.initramfs, lacks);
    point.next = "correct that, or remove it from the configuration; then: systemctl reload lifeboat-load";
  }
  return point;
}

Point loaded_point(const Facts& facts) {
  Point point{.name = "loaded"};
  if (!facts.state.crash_loaded) {
    point.result = PointResult::failure;
    point.detail = "cannot read whether a capture kernel is loaded";
    point.next = kNoCrashStateFix;
    return point;
  }
  if (!*facts.state.crash_loaded) {
    point.result = PointResult::failure;
    point.detail = "no capture kernel is loaded";
    point.next = kLoad;
    if (const auto xen = xen_obstacle(facts.state.xen)) point.next = xen->fix;
    return point;
  }
  if (const auto xen = xen_obstacle(facts.state.xen)) {
    point.result = PointResult::failure;
    point.detail = "a capture kernel is loaded, but would not start: " + xen->message;
    point.next = xen->fix;
    return point;
  }
  if (!facts.loaded) {
    point.result = PointResult::warning;
    point.detail = "a capture kernel is loaded, but not by lifeboat: its behaviour is unknown";
    point.next = kLoad;
    return point;
  }
  point.detail = fmt::format("{} with", facts.loaded->kernel.path);
  for (const auto& file : facts.loaded->initramfs) point.detail += " " + file.path;
  std::vector<std::string> changes = facts.changed;
  if (!facts.stale.empty()) changes.push_back("its initramfs is stale: " + facts.stale);
  if (!facts.release.empty() && facts.loaded->release != facts.release)
    changes.push_back(fmt::format("the loaded kernel is {}, the configured one is {}", facts.loaded->release,
                                  facts.release));
  if (!facts.command_line.empty() && facts.command_line != facts.loaded->command_line)
    changes.push_back(fmt::format("its command line is '{}', and would be '{}' now",
                                  facts.loaded->command_line, facts.command_line));
  if (const auto wanted = wanted_call(facts); !wanted.empty() && facts.loaded->call != wanted)
    changes.push_back(fmt::format("it was loaded by the call '{}', [capture] syscall is now '{}'",
                                  facts.loaded->call, wanted));
  if (changes.empty()) return point;
  point.result = PointResult::warning;
  point.detail = "the loaded capture kernel is out of date";
  for (const auto& change : changes) point.detail += "; " + change;
  point.next = kLoad;
  return point;
}

Point newest_kernel_point(const Facts& facts) {
  Point point{.name = "installed kernels"};
  const std::string running = facts.state.release.value_or("");
  if (facts.installed.empty()) {
    point.detail = "none in /boot";
  } else if (running.empty() || facts.installed.front() == running) {
    point.detail = facts.installed.front() + " is the newest";
  } else {
    // Nothing to fix: the next boot starts it, and its package hooks have built its initramfs.
    point.detail = fmt::format("{} runs, {} is the newest: the next boot loads that one", running,
                               facts.installed.front());
  }
  return point;
}

}  // namespace lifeboat::check
