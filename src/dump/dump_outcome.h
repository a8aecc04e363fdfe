// SPDX-License-Identifier: GPL-2.0-or-later
// The outcome of writing a dump: the rule by which page counts decide it, its name, and its consequences.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lifeboat {

enum class DumpOutcome {
  whole,       // every page that the dump was to hold is in the file, and the mark is cleared
  incomplete,  // the source could not give everything; all it gave is written and synced, the mark is kept
  log_only,    // the dump level `none` was reached: no dump, only the log and the report
  failed,      // an error ended the writing, or hardly a page could be read
};

struct DumpCounts {
  uint64_t announced = 0;  // pages that the dump is to hold
  uint64_t added = 0;      // of these, how many the writer was given, those that could not be read included
  uint64_t lost = 0;       // of the added ones, how many could not be read
};

// The rule: `failed` when fewer pages were added than announced, or when less than a tenth of them could be
// read; `incomplete` when any other could not be read.
DumpOutcome outcome_of(const DumpCounts& counts);

// "whole", "incomplete", "log only", "failed"; the same names everywhere: JSON, hooks, manifest.json.
std::string_view outcome_name(DumpOutcome outcome);
std::optional<DumpOutcome> parse_dump_outcome(std::string_view name);

// The capture has reached what was configured: [final] decides what the machine does. No further target is
// tried, which would read the same memory again, unless an earlier dump level than `none` did not fit here.
constexpr bool ends_capture(DumpOutcome outcome) {
  return outcome != DumpOutcome::failed;
}

}  // namespace lifeboat
