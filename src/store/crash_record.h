// SPDX-License-Identifier: GPL-2.0-or-later
// manifest.json in a crash's folder: what was saved of which crash, and what was done with it since. Written
// at the end of a capture; completed by `lifeboat collect`. docs/store.md lists the fields.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/dump/dump_outcome.h"

namespace lifeboat {

inline constexpr const char* kCrashRecordFile = "manifest.json";

// What there is of a crash, by the files in its folder. How it came to that is another question, which
// CrashRecord::dump answers: a dump that is marked incomplete may be all that could be read, or the beginning
// of one whose writing failed; a log without a dump may be what was configured, or all that is left.
enum class CrashOutcome {
  whole,       // the dump is whole
  incomplete,  // there is a dump, but it is marked incomplete
  log_only,    // the log, no dump
  nothing,     // neither
};
std::string_view outcome_name(CrashOutcome outcome);

struct CrashRecord {
  uint64_t crash_time = 0;      // seconds since the epoch
  std::string boot_id;          // of the crashed kernel, as /proc/sys/kernel/random/boot_id; empty: not known
  std::string release;          // of that kernel
  std::string capture_release;  // of the kernel that saved it; empty: not recorded
  CrashOutcome outcome = CrashOutcome::nothing;
  DumpOutcome dump = DumpOutcome::failed;  // how the writing of the dump ended
  bool fell_back = false;                  // the target was too small at the first level of [dump] level
  int level = 0;                           // of the dump; 0 also without one
  std::string compression;                 // of the dump, as in the configuration
  uint64_t dump_bytes = 0;
  uint64_t lost_pages = 0;
  // Of the capture kernel (KiB): its RAM, MemTotal, and the lowest MemAvailable that was measured;
  // 0: not recorded.
  uint64_t memory_reserved_kib = 0, memory_total_kib = 0, memory_lowest_kib = 0;
  unsigned cpus = 0;                      // of the capture kernel, that ran; 0: not recorded
  double cpu_seconds = 0;                 // of one CPU, that the dump took; 0: not recorded
  std::map<std::string, double> seconds;  // since the capture kernel's start, by phase
  std::vector<std::string> problems;      // errors and warnings of the capture
  std::string kind, signature;            // of the report; empty: none was made
  std::string panic;                      // its panic message, after the first line of the cause
  std::optional<uint64_t> collected;      // when `lifeboat collect` completed it
  std::string collected_boot_id;          // in which boot; empty: not known
  uint64_t command_tries = 0;             // failed tries of [collect] command
};

// How the writing of the dump ended: by the file; by the record where the file allows both.
DumpOutcome dump_outcome(CrashOutcome there, const CrashRecord& record);
// The first level of [dump] level was `none`, and the log is there: nothing is missing, although there is no
// dump.
bool log_only_as_configured(CrashOutcome there, const CrashRecord& record);
// The outcome for people: "whole", "incomplete (3 pages could not be read)", "log only, as configured", ...
std::string describe_dump(CrashOutcome there, const CrashRecord& record);

// How long the dump took, seconds: from the step before it to its end. 0: not recorded, or there is no dump.
double dump_seconds(const CrashRecord& record);

std::string to_json_text(const CrashRecord& record);
// `corrupt` when it is not a crash record. Missing fields keep their defaults, unknown ones are ignored.
Result<CrashRecord> parse_crash_record(std::string_view text);

// Copies the summary of a report. `report_json`: the text of report.json; if invalid, nothing changes.
void take_report(CrashRecord& record, std::string_view report_json);

}  // namespace lifeboat
