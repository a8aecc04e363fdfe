// SPDX-License-Identifier: GPL-2.0-or-later
// x86-64 page tables, four and five levels (Intel SDM volume 3, chapter 5).
#pragma once

#include "src/vmcore/address_space.h"

namespace lifeboat::x86_64 {

Result<std::unique_ptr<AddressSpace>> kernel_page_table(PhysicalMemory& memory, const Vmcoreinfo& info);

}  // namespace lifeboat::x86_64
