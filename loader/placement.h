// SPDX-License-Identifier: GPL-2.0-or-later
// Finds addresses for the parts of a kernel in ranges of physical memory: no two parts overlap, all begin and
// end at borders of the running kernel's pages.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "loader/memory_map.h"
#include "src/base/error.h"

namespace lifeboat {

struct MemoryRequest {
  std::string_view what;   // for the error
  uint64_t size = 0;       // bytes; rounded up to pages
  uint64_t alignment = 1;  // a power of two; at least that of pages
  uint64_t min = 0;        // the part lies in [min, max)
  uint64_t max = UINT64_MAX;
  enum class Order { lowest, highest } order = Order::highest;
};

class Placement {
 public:
  // `free` ranges within `window`; what does not make up whole pages is left out.
  Placement(const std::vector<MemoryRange>& free, MemoryRange window, uint64_t page_size);

  // Reserves a range and returns its address. `no_space` has the requested size and the largest remaining
  // range.
  Result<uint64_t> take(const MemoryRequest& wanted);
  // Takes [address, address + size) if all of it is free.
  bool take_at(uint64_t address, uint64_t size);
  [[nodiscard]] const std::vector<MemoryRange>& free() const { return free_; }

 private:
  uint64_t page_size_;
  std::vector<MemoryRange> free_;  // normalized
};

}  // namespace lifeboat
