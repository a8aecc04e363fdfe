// SPDX-License-Identifier: GPL-2.0-or-later
// From the kernel's virtual addresses to physical ones. One implementation an architecture, behind this
// interface, in a folder named after it.
#pragma once

#include <memory>

#include "src/dump/dump.h"
#include "src/vmcore/page_size_todo.h"
#include "src/vmcore/vmcoreinfo.h"

namespace lifeboat {

struct Translation {
  uint64_t physical_address = 0;
  uint64_t bytes_left = 0;  // to the end of the mapping (4 KiB, 2 MiB, 1 GiB page) it was found in
};

class AddressSpace {
 public:
  virtual ~AddressSpace() = default;
  // `not_mapped` when no entry leads there; errors of the memory that holds the tables are passed on.
  virtual Result<Translation> translate(uint64_t virtual_address) = 0;
};

// The kernel's own page tables, for the architecture that the dump is of. Keeps references to `memory`.
Result<std::unique_ptr<AddressSpace>> kernel_address_space(PhysicalMemory& memory, const Vmcoreinfo& info);

}  // namespace lifeboat
