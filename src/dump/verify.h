// SPDX-License-Identifier: GPL-2.0-or-later
// Is a dump whole? Structure, every descriptor, every page.
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "dump/dump.h"

namespace lifeboat {

struct VerifyReport {
  bool whole = false;
  uint64_t pages_checked = 0;
  uint64_t pages_lost = 0;     // never written
  uint64_t pages_damaged = 0;  // written, but do not give a page
  // The parts of the file fit together. When not, pages may come out as others' contents.
  bool consistent = true;
  // The first few findings, each one line; `more_findings` counts the rest.
  std::vector<std::string> findings;
  uint64_t more_findings = 0;
  DumpInfo info;
};

// An Error only when the file cannot be opened as a dump at all; damage is in the report.
Result<VerifyReport> verify_dump(const std::string& path, Progress& progress);
// The same of a dump that is open already; `name` is for the findings.
VerifyReport verify_dump(Dump& dump, const std::string& name, Progress& progress);

}  // namespace lifeboat
