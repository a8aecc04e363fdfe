// SPDX-License-Identifier: GPL-2.0-or-later
// Checks whether a dump is whole: its structure, every descriptor, every page.
#pragma once

#include <concepts>
#include <string>
#include <vector>

#include "src/base/progress.h"
#include "src/dump/dump.h"

namespace lifeboat {

// What a check has found. Each format adds to it in its Dump::verify().
struct VerifyReport {
  bool whole = false;
  uint64_t pages_checked = 0;  // looked at, with whatever result
  uint64_t pages_lost = 0;     // never written
  uint64_t pages_damaged = 0;  // written, but do not give a page, or cannot be read
  // The parts of the file fit together. When not, pages may come out as others' contents.
  bool consistent = true;
  // The first few findings, each one line; `more_findings` counts the rest.
  std::vector<std::string> findings;
  uint64_t more_findings = 0;
  DumpFormat format = DumpFormat::elf;
  bool incomplete = false;  // as DumpInfo::incomplete

  // Counts checked pages. `describe` makes the finding if the list is not full: a file may have billions of
  // findings.
  template <std::invocable Describe>
  void lost(uint64_t pages, Describe describe) {
    pages_lost += pages;
    find(describe);
  }
  template <std::invocable Describe>
  void damaged(uint64_t pages, Describe describe) {
    pages_damaged += pages;
    find(describe);
  }
  // One page that could not be read, counted by the code of the error.
  void failed(const Error& error);
  // The parts of the file do not fit together.
  void inconsistent(std::string finding);

 private:
  static constexpr size_t kMaxFindings = 20;
  void find(std::invocable auto describe) {
    if (findings.size() < kMaxFindings) {
      findings.push_back(describe());
    } else {
      ++more_findings;
    }
  }
  friend VerifyReport verify_dump(Dump& dump, const std::string& name, Progress& progress);
};

// An Error only when the file cannot be opened as a dump at all; damage is in the report.
Result<VerifyReport> verify_dump(const std::string& path, Progress& progress);
// The same of a dump that is open already; `name` is for the findings.
VerifyReport verify_dump(Dump& dump, const std::string& name, Progress& progress);

}  // namespace lifeboat
