// SPDX-License-Identifier: GPL-2.0-or-later
// The machine that a dump came from, and how it ended. Each part that cannot be told says why; the others
// stand.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/inspect/crash_story.h"
#include "src/inspect/session.h"

namespace lifeboat::inspect {

struct MachineSummary {
  bool live = false;  // the running kernel: there is no crash to tell of
  std::optional<uint64_t> uptime_nanoseconds;

  // The container.
  DumpFormat format = DumpFormat::elf;
  bool flattened = false;
  bool split = false;
  std::optional<Compression> compression;  // nullopt: the format has none
  std::optional<int> dump_level;
  std::vector<std::string> missing;  // find_missing(); empty: nothing is known to be
  uint64_t ram_pages = 0;
  uint64_t stored_pages = 0;
  int cpus = 0;

  // The kernel.
  Result<Utsname> uts = {};
  Result<uint64_t> crash_time = {};  // seconds since the epoch
  Result<CrashStory> story = {};     // live: the hardware only
};

// What is not whole about the dump, one line each, damage first: as far as it is seen without reading all
// pages.
std::vector<std::string> find_missing(const Session& session);

// Fast: only what headers, VMCOREINFO and the log tell. The pages by their use are counted by count_pages().
MachineSummary summarize(const Session& session);

}  // namespace lifeboat::inspect
