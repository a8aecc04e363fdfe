// SPDX-License-Identifier: GPL-2.0-or-later
// The machine that a dump came from, and how it ended. Each part that is not available has the reason; the
// others are valid.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/inspect/crash_summary.h"
#include "src/inspect/session.h"

namespace lifeboat::inspect {

struct MachineSummary {
  bool live = false;  // the running kernel: there is no crash
  std::optional<uint64_t> uptime_nanoseconds;

  // The container.
  DumpFormat format = DumpFormat::elf;
  bool flattened = false;
  bool split = false;
  std::optional<Compression> compression;  // nullopt: the format has none
  std::optional<int> dump_level;
  std::vector<std::string> missing;  // find_missing(); empty: nothing is known to be missing
  PageSize page_size;
  uint64_t ram_pages = 0;
  uint64_t stored_pages = 0;
  [[nodiscard]] uint64_t ram_bytes() const { return page_size.bytes(ram_pages); }
  int cpus = 0;

  // The kernel.
  Result<Utsname> uts = {};
  Result<uint64_t> crash_time = {};  // seconds since the epoch
  Result<CrashSummary> crash = {};   // live: the hardware only
};

// What is missing in the dump, one line each, damage first: as far as it shows without reading all pages.
std::vector<std::string> find_missing(const Session& session);

// Fast: reads only headers, VMCOREINFO and the log. count_pages() counts the pages by their use.
MachineSummary summarize(const Session& session);

}  // namespace lifeboat::inspect
