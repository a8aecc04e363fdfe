// SPDX-License-Identifier: GPL-2.0-or-later
// What machine a dump comes from, what ended it, and how much of it there is.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "inspect/session.h"
#include "kernel/page_class.h"

namespace lifeboat::inspect {

// Page frames by what they were used for, and how many of these the dump holds.
struct ClassCount {
  uint64_t pages = 0;
  uint64_t stored = 0;
};

struct PageCounts {
  std::array<ClassCount, kPageClasses> classes{};
  // Their struct page is not in the dump or cannot be read; counted as kernel pages above.
  uint64_t undescribed = 0;
};

struct MachineSummary {
  DumpInfo container;
  bool whole = true;  // by the container's own word; `lifeboat verify` looks at every page
  Utsname uts;
  std::optional<uint64_t> crash_time;  // seconds since the epoch
  std::optional<double> uptime;        // seconds: the time of the last log record
  std::string panic;                   // "sysrq triggered crash": what stood behind "Kernel panic - not syncing:"
  std::string cause;                   // the line of the log that began it, when one is known
  std::optional<PageCounts> pages;
  // What could not be told, and why.
  std::vector<std::string> gaps;
};

// Never fails: what cannot be told becomes a gap.
MachineSummary summarize(const Session& session);

// Split off for tests. Finds the last panic, and the first line that told of trouble before it.
struct PanicMessage {
  std::string panic, cause;
};
PanicMessage find_panic(const std::vector<std::string_view>& lines);

}  // namespace lifeboat::inspect
