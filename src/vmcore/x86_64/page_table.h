// SPDX-License-Identifier: GPL-2.0-or-later
// x86-64 page tables, four and five levels (Intel SDM volume 3, chapter 5).
#pragma once

#include <memory>

#include "src/dump/dump.h"
#include "src/vmcore/address_space.h"
#include "src/vmcore/vmcoreinfo.h"

namespace lifeboat::x86_64 {

inline constexpr uint64_t kPageBytes = 4096;
inline constexpr unsigned kPageBits = 12;

// Keeps a reference to `memory`.
Result<std::unique_ptr<AddressSpace>> kernel_page_table(PhysicalMemory& memory, const Vmcoreinfo& info);

}  // namespace lifeboat::x86_64
