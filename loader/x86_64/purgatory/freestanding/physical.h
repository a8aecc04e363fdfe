// SPDX-License-Identifier: GPL-2.0-or-later
// Memory by its physical address, which is also the virtual one here. The origin of the pointer is hidden
// from the compiler: address 0 is valid, and no C++ object exists at the other addresses.
#pragma once

#include <stdint.h>

namespace lifeboat::x86_64 {

template <typename T>
inline T* physical(uint64_t address) {
  T* pointer;
  asm volatile("" : "=r"(pointer) : "0"(address));
  return pointer;
}

}  // namespace lifeboat::x86_64
