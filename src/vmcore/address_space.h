// SPDX-License-Identifier: GPL-2.0-or-later
// From the kernel's virtual addresses to physical ones. Architecture::kernel_address_space() makes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/error.h"

namespace lifeboat {

struct Translation {
  uint64_t physical_address = 0;
  uint64_t bytes_left = 0;  // to the end of the mapping (a page, or a large page) it was found in
};

// Virtual addresses [begin, end).
struct AddressRange {
  uint64_t begin = 0, end = 0;
  friend bool operator==(const AddressRange&, const AddressRange&) = default;
};

// Where the tables themselves are.
struct TableFrames {
  std::vector<uint64_t> frames;  // page frames, in order, each once
  bool cut = false;              // there are more than were asked for; these are the upper levels first
  uint64_t unreadable = 0;       // tables that could not be read: what they lead to is missing
  std::string first_error;       // why, for the first of these
};

class AddressSpace {
 public:
  virtual ~AddressSpace() = default;
  // `not_mapped` when no entry leads there; errors of the memory that holds the tables are passed on.
  virtual Result<Translation> translate(uint64_t virtual_address) = 0;
  // At most `max` of them, found with at most so many reads of a table on each level, whatever the tables
  // contain: they may lead to each other.
  [[nodiscard]] virtual TableFrames table_frames(size_t max) const = 0;
};

}  // namespace lifeboat
