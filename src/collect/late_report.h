// SPDX-License-Identifier: GPL-2.0-or-later
// Writes the report when the capture kernel had not enough memory or time for it.
#pragma once

#include <chrono>
#include <string>

#include "capture/plan/capture_plan.h"
#include "src/base/error.h"

namespace lifeboat::collect {

// The limits of a report. Far more than one needs (a tenth of a second, 40 MiB), and low
// enough that a damaged or malicious dump does not keep a machine from starting.
struct ReportLimits {
  std::chrono::seconds time{120};
  uint64_t memory = uint64_t{1} << 30;  // address space
};

// The dump is read by a child without privileges that cannot open files (base/confine.h): it gets the open
// dump, and returns two texts.
//
// Reads the dump `dump_file` in a crash's open folder and writes report.json there, and report.txt unless
// there is one: each whole and synced. The child may not use more than `limits`. `called`: the dump's path,
// for the report's text. Returns report.json's text. `timeout`: it took too long.
Result<std::string> write_report(const std::string& called, int folder_fd, const ReportLimits& limits = {},
                                 const std::string& dump_file = kDumpFile);

}  // namespace lifeboat::collect
