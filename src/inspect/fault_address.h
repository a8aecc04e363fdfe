// SPDX-License-Identifier: GPL-2.0-or-later
// What the address of a failed access shows about the pointer that was used (x86-64).
#pragma once

#include <cstdint>
#include <string>

namespace lifeboat::inspect {

// "NULL plus 16: a member at offset 16 of a structure at NULL"; empty: unknown.
std::string explain_fault_address(uint64_t address);

}  // namespace lifeboat::inspect
