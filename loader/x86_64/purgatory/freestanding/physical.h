// SPDX-License-Identifier: GPL-2.0-or-later
// Memory by its physical address, which is also the virtual one here. The compiler is not to know where a
// pointer comes from: address 0 is a place like any other, and no object was ever made at the others.
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
