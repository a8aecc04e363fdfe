// SPDX-License-Identifier: GPL-2.0-or-later
// manifest.json in a crash's folder: what was saved of which crash, and what became of it since. Written by
// whoever saves the crash, at the end; completed by `lifeboat collect`. docs/store.md lists the fields.
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

// What there is of a crash, by the files in its folder.
enum class CrashOutcome {
  whole,       // the dump is whole
  incomplete,  // a dump is there, but says itself that it is not whole; CrashRecord::dump says why
  log_only,    // the log, no dump
  nothing,     // neither
};
std::string_view outcome_name(CrashOutcome outcome);

struct CrashRecord {
  uint64_t crash_time = 0;  // seconds since the epoch
  std::string boot_id;      // of the kernel that died, as /proc/sys/kernel/random/boot_id; empty: not known
  std::string release;      // of that kernel
  std::string capture_release;  // of the kernel that saved it; empty: not noted
  CrashOutcome outcome = CrashOutcome::nothing;
  DumpOutcome dump = DumpOutcome::failed;  // how the writing of the dump ended
  int level = 0;                           // of the dump
  std::string compression;                 // of the dump, as in the configuration
  uint64_t dump_bytes = 0;
  uint64_t lost_pages = 0;
  // Of the capture kernel (KiB): all RAM that it was given, MemTotal, and the least MemAvailable that was
  // seen; 0: not noted.
  uint64_t memory_reserved_kib = 0, memory_total_kib = 0, memory_lowest_kib = 0;
  std::map<std::string, double> seconds;  // since the capture kernel's start, by phase
  std::vector<std::string> problems;      // what went wrong on the way
  std::string kind, signature;            // of the report; empty: none was made
  std::string panic;                      // its last words, behind the first line of what led to them
  std::optional<uint64_t> collected;      // when `lifeboat collect` was done with it
  std::string collected_boot_id;          // and in which boot; empty: not known
  uint64_t command_tries = 0;             // of [collect] command, none of which has succeeded
};

// How the writing of the dump ended: the file decides, and the record only where the file allows both.
DumpOutcome dump_outcome(CrashOutcome there, const CrashRecord& record);
// The outcome for people: "whole", "incomplete (3 pages could not be read)", "log only", ...
std::string describe_dump(CrashOutcome there, const CrashRecord& record);

std::string to_json_text(const CrashRecord& record);
// `corrupt` when it is no such file. Fields that are missing keep their defaults, unknown ones are passed
// over.
Result<CrashRecord> parse_crash_record(std::string_view text);

// Takes over what a report says in short. `report_json`: the text of report.json; of no use: nothing changes.
void take_report(CrashRecord& record, std::string_view report_json);

}  // namespace lifeboat
