// SPDX-License-Identifier: GPL-2.0-or-later
// The plan of a capture: what lifeboat-init does, written into the initramfs by `lifeboat build` and
// `rehearse`. The capture kernel has no other configuration. Text, one "key = value" a line
// (base/key_value.h): the settings that travel (keys.h) as "section.key", and what the host found out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "capture/plan/settings.h"
#include "src/base/error.h"

namespace lifeboat {

// Where dumps go: a folder of a file system on a local block device.
struct Target {
  std::string uuid;        // of the file system; lower case for those that are hexadecimal
  std::string filesystem;  // ext4, xfs, ...
  std::string path;        // folder below the root of that file system: "/var/crash/lifeboat"
};

struct CapturePlan : Settings {
  std::vector<Target> targets;         // tried in order; at least one
  std::vector<std::string> watchdogs;  // identities of those that ran when this was written
  bool copy_elf = false;               // also keep /proc/vmcore whole as vmcore.elf (for tests)
  std::vector<std::string> modules;    // files below /lifeboat/modules, in loading order
  std::string shell;                   // program for FinalAction::shell; empty: none is there

  // Optional settings are unset, all others have their default values.
  CapturePlan();

  // Unknown keys, invalid values and missing ones are errors with the line's number. Reads plans of older
  // versions of lifeboat, and of newer ones the known keys: the others are added to `unknown`, for the log.
  static Result<CapturePlan> parse(std::string_view text, std::vector<std::string>* unknown = nullptr);
  // Always the same text for the same plan.
  [[nodiscard]] std::string to_text() const;
};

// Another set of keys is another version: PID 1 refuses unknown keys in a plan of its own version.
// Version 1 has no "version" line, other names for some keys, and its path is kOldPlanPath.
inline constexpr unsigned kPlanVersion = 2;
inline constexpr const char* kPlanPath = "/lifeboat/plan";
inline constexpr const char* kOldPlanPath = "/lifeboat/manifest";
inline constexpr const char* kModuleFolder = "/lifeboat/modules";

// lifeboat-init announces each step on its console as "lifeboat: phase NAME": rehearse waits for these.
inline constexpr std::string_view kPhaseMark = "lifeboat: phase ";
namespace phase {
inline constexpr std::string_view kCaptureStart = "capture-start";    // capture kernel: PID 1 runs
inline constexpr std::string_view kCaptureTarget = "capture-target";  // target mounted
inline constexpr std::string_view kCaptureLog = "capture-log";        // vmcore-dmesg.txt synced
inline constexpr std::string_view kCaptureReport = "capture-report";  // report.txt, report.json synced
inline constexpr std::string_view kCaptureDump = "capture-dump";      // dump whole, renamed, synced
// Instead: all that can be read is written and synced, and some pages are missing.
inline constexpr std::string_view kCaptureIncomplete = "capture-incomplete";
// Instead: the dump level `none` was reached, no dump is written.
inline constexpr std::string_view kCaptureLogOnly = "capture-log-only";
inline constexpr std::string_view kCaptureFailed = "capture-failed";  // neither; the reason is logged before
inline constexpr std::string_view kCaptureEnd = "capture-end";  // unmounted; the final action comes next
}  // namespace phase

// On the capture kernel's command line: the boot id of the kernel that loaded it (proc(5), boot_id).
inline constexpr std::string_view kBootParameter = "lifeboat.boot=";

// Names within a crash's folder (TARGET.path/NAME/; NAME as create_crash_folder() makes it).
inline constexpr const char* kLogFile = "vmcore-dmesg.txt";
inline constexpr const char* kReportTextFile = "report.txt";  // as `lifeboat inspect` prints it
inline constexpr const char* kReportJsonFile = "report.json";
inline constexpr const char* kDumpFile = "vmcore";
inline constexpr const char* kIncompleteDumpFile = "vmcore.incomplete";
inline constexpr const char* kElfFile = "vmcore.elf";
inline constexpr const char* kCaptureLogFile = "capture.log";  // the messages of lifeboat-init

}  // namespace lifeboat
