// SPDX-License-Identifier: GPL-2.0-or-later
// What the address of a failed access shows about the pointer that was used.
#pragma once

#include <cstdint>
#include <string>

#include "src/vmcore/architecture.h"

namespace lifeboat::inspect {

// "NULL plus 16: a member at offset 16 of a structure at NULL"; empty: unknown.
std::string explain_fault_address(const Architecture& architecture, PageSize page_size, uint64_t address);

}  // namespace lifeboat::inspect
