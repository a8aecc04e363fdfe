// SPDX-License-Identifier: GPL-2.0-or-later
// The machine that a dump came from, and how it ended. Each part that cannot be told says why; the others
// stand.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "inspect/page_counts.h"
#include "inspect/session.h"

namespace lifeboat::inspect {

// How the end of a kernel's log tells of it.
struct CrashStory {
  std::optional<std::string> panic;  // the last "Kernel panic - not syncing: ..." line
  std::optional<std::string> cause;  // the first line of the trouble that led there: "BUG: ...", "Oops: ..."
  uint64_t uptime_nanoseconds = 0;   // time of the last record
};

struct MachineSummary {
  // The container.
  DumpFormat format = DumpFormat::elf;
  bool flattened = false;
  bool split = false;
  std::optional<Compression> compression;  // nullopt: the format has none
  std::optional<int> dump_level;
  std::vector<std::string>
      missing;  // what is not whole about the dump, one line each; empty: nothing is known to be
  uint64_t ram_pages = 0;
  uint64_t stored_pages = 0;
  int cpus = 0;

  // The kernel.
  Result<Utsname> uts = {};
  Result<uint64_t> crash_time = {};  // seconds since the epoch
  Result<CrashStory> story = {};
  Result<PageCounts> pages = {};
};

// `page_limit` bounds the time for the page counts.
MachineSummary summarize(const Session& session,
                         std::chrono::milliseconds page_limit = std::chrono::minutes(2));

}  // namespace lifeboat::inspect
