// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/dump_outcome.h"

namespace lifeboat {
namespace {

// One readable page of so many is the least that makes a dump.
constexpr uint64_t kLeastShare = 10;

}  // namespace

DumpOutcome outcome_of(const DumpCounts& counts) {
  if (counts.added != counts.announced || counts.lost > counts.added) return DumpOutcome::failed;
  if (counts.lost == 0) return DumpOutcome::whole;
  const uint64_t read = counts.added - counts.lost;
  return read < counts.announced / kLeastShare || read == 0 ? DumpOutcome::failed : DumpOutcome::incomplete;
}

std::string_view outcome_name(DumpOutcome outcome) {
  switch (outcome) {
    case DumpOutcome::whole:
      return "whole";
    case DumpOutcome::incomplete:
      return "incomplete";
    case DumpOutcome::log_only:
      return "log only";
    case DumpOutcome::failed:
      return "failed";
  }
  return "failed";
}

std::optional<DumpOutcome> parse_dump_outcome(std::string_view name) {
  for (const auto outcome :
       {DumpOutcome::whole, DumpOutcome::incomplete, DumpOutcome::log_only, DumpOutcome::failed}) {
    if (name == outcome_name(outcome)) return outcome;
  }
  return std::nullopt;
}

}  // namespace lifeboat
