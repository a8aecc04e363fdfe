// SPDX-License-Identifier: GPL-2.0-or-later
// The manifest: what lifeboat-init is to do, written into the initramfs by `lifeboat build` and `rehearse`.
// It is all that the capture kernel knows. Text, one "key = value" a line, at /lifeboat/manifest.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "capture/plan/retention.h"
#include "src/base/error.h"
#include "src/dump/dump.h"

namespace lifeboat {

// What becomes of the machine at the end. A shell only on the console, and only for who asked for it.
enum class FinalAction { reboot, poweroff, halt, shell };
Result<FinalAction> parse_final_action(std::string_view name);
std::string_view final_action_name(FinalAction action);

// Where dumps go: a folder of a file system on a local block device.
struct Target {
  std::string uuid;        // of the file system; lower case for those that are hexadecimal
  std::string filesystem;  // ext4, xfs, ...
  std::string path;        // folder below the root of that file system: "/var/crash/lifeboat"
};

struct Manifest {
  std::vector<Target> targets;     // tried in order; at least one
  std::vector<int> levels = {31};  // tried in turn when the target is too small
  Compression compression = Compression::zstd;
  int compression_level = 0;                         // 0: the codec's default
  FinalAction final_action = FinalAction::reboot;    // after a dump, whole or incomplete
  FinalAction failure_action = FinalAction::reboot;  // when no target took one
  std::chrono::seconds device_deadline{60};          // for a target's device to appear
  std::chrono::seconds stall_deadline{120};          // a phase that makes no progress for so long is given up
  std::chrono::seconds deadline{3600};               // for all that is tried with one target
  std::chrono::seconds hook_deadline{30};            // for one hook
  bool report = true;                                // write the report before the dump
  bool watchdog = true;                              // feed a watchdog that runs
  std::vector<std::string> watchdogs;                // identities of those that ran when this was written
  Retention retention;                    // what is kept of the store once a dump is whole; default: all
  bool copy_elf = false;                  // also keep /proc/vmcore whole as vmcore.elf (for tests)
  std::vector<std::string> modules;       // files below /lifeboat/modules, in loading order
  std::vector<std::string> hooks_before;  // programs in the initramfs, run before a target is mounted
  std::vector<std::string> hooks_after;   // and after the dump
  std::string shell;                      // program for FinalAction::shell; empty: none is there

  // Unknown keys, bad values and missing ones are errors with the line's number.
  static Result<Manifest> parse(std::string_view text);
  // Always the same text for the same manifest.
  [[nodiscard]] std::string to_text() const;
};

inline constexpr const char* kManifestPath = "/lifeboat/manifest";
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
inline constexpr std::string_view kCaptureFailed = "capture-failed";  // neither; the reason stands above
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
inline constexpr const char* kCaptureLogFile = "capture.log";  // what lifeboat-init said

}  // namespace lifeboat
