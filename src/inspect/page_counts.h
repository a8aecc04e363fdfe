// SPDX-License-Identifier: GPL-2.0-or-later
// What the dumped machine's memory was used for, and how much of it the dump holds.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "src/inspect/session.h"
#include "src/vmcore/page_class.h"

namespace lifeboat::inspect {

struct PageCounts {
  struct Class {
    uint64_t pages = 0;
    uint64_t stored = 0;
  };
  std::array<Class, kPageClasses> of_class;
  uint64_t pages_left = 0;         // not counted, because of the time limit
  std::vector<std::string> notes;  // limits of these numbers, one line each
};

// Reads the whole mem_map: 64 bytes for each page of the machine. `limit` bounds the time that a huge or
// hostile dump can take. An Error when nothing can be counted.
Result<PageCounts> count_pages(const Session& session, std::chrono::milliseconds limit);

}  // namespace lifeboat::inspect
