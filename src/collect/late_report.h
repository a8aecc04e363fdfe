// SPDX-License-Identifier: GPL-2.0-or-later
// The report that the capture kernel had no memory or time for.
#pragma once

#include <chrono>
#include <string>

#include "capture/plan/capture_plan.h"
#include "src/base/error.h"

namespace lifeboat::collect {

// What a report may take. By far more than one does (docs/bench.md: a tenth of a second, 40 MiB), and little
// enough that a dump which is damaged, or made to hurt, does not keep a machine from starting.
struct ReportLimits {
  std::chrono::seconds time{120};
  uint64_t memory = uint64_t{1} << 30;  // address space
};

// The dump is read by a child that has no privilege at all and can open nothing (base/confine.h): it gets the
// dump open, and hands over two texts.
//
// Reads the dump `dump_file` in a crash's open folder and writes report.json there, and report.txt unless
// there is one: each whole and synced. The child may not take more than `limits`. `called`: the dump's path,
// for the report's words. Returns report.json's text. `timeout`: it took too long.
Result<std::string> write_report(const std::string& called, int folder_fd, const ReportLimits& limits = {},
                                 const std::string& dump_file = kDumpFile);

}  // namespace lifeboat::collect
