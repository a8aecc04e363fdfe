// SPDX-License-Identifier: GPL-2.0-or-later
// Searches the stored pages of a dump for bytes.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "src/inspect/session.h"

namespace lifeboat::inspect {

struct SearchResult {
  uint64_t pages = 0;       // searched
  uint64_t unreadable = 0;  // of these, lost or damaged
  bool stopped = false;     // `found` had enough
  bool timed_out = false;   // the rest was not searched
  uint64_t end = 0;         // physical address at which it stopped
};

// Calls `found` with the physical address of each place where `bytes` (at most a page) begins at a multiple
// of `alignment`, in order, across the border of two stored pages too; false: enough. Every stored page is
// read once, as far as the time allows.
SearchResult search_memory(Dump& dump, ByteSpan bytes, uint64_t alignment, std::chrono::milliseconds limit,
                           const std::function<bool(uint64_t physical_address)>& found);

}  // namespace lifeboat::inspect
