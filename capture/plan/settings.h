// SPDX-License-Identifier: GPL-2.0-or-later
// Every setting of lifeboat.conf, named as there: `settings.capture.stall_deadline` is the key stall_deadline
// of [capture]. The initial values are the defaults. The table (keys.cpp) describes each; a new setting is a
// member here, a line there, and its use. [target] is not among them: there may be several
// (src/config, capture_plan.h).
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "capture/plan/retention.h"
#include "src/base/error.h"
#include "src/base/load_call.h"
#include "src/dump/levels.h"

namespace lifeboat {

// What the machine does at the end. A shell only on the console, and only when it is configured.
enum class FinalAction { reboot, poweroff, halt, shell };
Result<FinalAction> parse_final_action(std::string_view name);
std::string_view final_action_name(FinalAction action);

struct DumpSettings {
  std::vector<int> level = {31};  // tried in turn when the target is too small; kNoDump: no dump
  CompressionChoice compression;

  // No dump is to be saved, only the log and the report.
  [[nodiscard]] bool log_only() const { return level.front() == kNoDump; }
  // That is accepted where no dump fits.
  [[nodiscard]] bool log_suffices() const { return level.back() == kNoDump; }
};

// The value `auto` of [capture] cpus: by the time that a dump is expected to take.
inline constexpr unsigned kAutomaticCpus = 0;

struct CaptureSettings {
  std::string kernel;                      // empty: the running one's file
  std::string append;                      // to its command line
  std::vector<std::string> remove;         // names of parameters that are not copied to it
  LoadCall syscall = LoadCall::automatic;  // by which it is loaded
  unsigned cpus = kAutomaticCpus;          // that it may use
  std::chrono::seconds device_deadline{60};
  std::chrono::seconds stall_deadline{120};
  std::chrono::seconds deadline{3600};
  std::vector<std::string> hook_before, hook_after;  // programs
  std::chrono::seconds hook_deadline{30};
  std::vector<std::string> file, module;  // also put into the initramfs
  bool report = true;
  bool watchdog = true;
};

struct ActionSettings {
  FinalAction action = FinalAction::reboot;
};

struct CollectSettings {
  bool report = true;
  bool pstore = true;
  bool notice = true;
  std::string command;  // empty: none
};

struct Settings {
  DumpSettings dump;
  CaptureSettings capture;
  ActionSettings failure;  // when no target took a dump
  ActionSettings final;    // after a dump, whole or incomplete
  Retention retention = {.keep = 5, .min_free = Amount{.percent = 5}};
  CollectSettings collect;
};

}  // namespace lifeboat
