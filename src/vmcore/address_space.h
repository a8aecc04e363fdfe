// SPDX-License-Identifier: GPL-2.0-or-later
// From the kernel's virtual addresses to physical ones. Architecture::kernel_address_space() makes it.
#pragma once

#include <cstdint>

#include "src/base/error.h"

namespace lifeboat {

struct Translation {
  uint64_t physical_address = 0;
  uint64_t bytes_left = 0;  // to the end of the mapping (a page, or a large page) it was found in
};

class AddressSpace {
 public:
  virtual ~AddressSpace() = default;
  // `not_mapped` when no entry leads there; errors of the memory that holds the tables are passed on.
  virtual Result<Translation> translate(uint64_t virtual_address) = 0;
};

}  // namespace lifeboat
