// SPDX-License-Identifier: GPL-2.0-or-later
// What the end of a kernel's log shows about the crash.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/inspect/crash_kind.h"
#include "src/vmcore/printk.h"

namespace lifeboat::inspect {

struct CrashSummary {
  std::optional<std::string> panic;  // the last "Kernel panic - not syncing: ..." line
  std::optional<std::string> cause;  // the first line of the error that led there: "BUG: ...", "Oops: ..."
  uint64_t uptime_nanoseconds = 0;   // time of the last record

  CrashKind kind = CrashKind::unknown;
  std::string reason;  // the line by which the kind is known; empty: none

  std::optional<uint64_t> fault_address;  // of the access that failed
  std::string access;                     // "read", "write", "execute"; empty: unknown
  std::optional<std::string> location;    // the instruction that failed: "ext4_readdir+0x1a/0x40 [ext4]"
  std::optional<int32_t> blocked_pid;     // hung task, soft lockup, RCU stall: the task in question
  std::optional<uint32_t> locked_cpu;     // soft and hard lockup, RCU stall: the CPU in question

  // The task that wrote the last messages ("CPU: 1 PID: 143 Comm: init ...").
  std::optional<uint32_t> cpu;
  std::optional<int32_t> pid;
  std::optional<std::string> comm;
  std::optional<std::string> hardware;  // "Hardware name: ...", or "DMI: ..." from the boot
};

CrashSummary summarize_crash(const Architecture& architecture, const std::vector<LogRecord>& records);

}  // namespace lifeboat::inspect
