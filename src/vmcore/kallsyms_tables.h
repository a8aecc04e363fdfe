// SPDX-License-Identifier: GPL-2.0-or-later
// Finds the tables of a kernel that scripts/kallsyms.c generates: by VMCOREINFO (6.0 and later), or by their
// shape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/vmcore/kernel_memory.h"

namespace lifeboat {

// A table that may hold the symbols' addresses, and the variable with the address that its entries count
// from.
struct AddressTablePlace {
  uint64_t table = 0;
  std::optional<uint64_t> base_variable;
};

// Virtual addresses; only the number of symbols has been read.
struct KallsymsPlaces {
  uint64_t count = 0;  // symbols; 1 to kMaxSymbols
  uint64_t names = 0;
  uint64_t token_table = 0, token_index = 0;
  std::vector<AddressTablePlace> addresses;  // the right one matches the symbols in VMCOREINFO
};

// No kernel has so many, even with everything built in; a damaged dump may claim it.
inline constexpr uint64_t kMaxSymbols = uint64_t{1} << 22;

// By VMCOREINFO's keys (commit 5fd8fea935a1 "vmcoreinfo: include kallsyms symbols"). `not_found` without
// them; `corrupt` for an impossible number of symbols; errors of the memory are passed on.
Result<KallsymsPlaces> kallsyms_by_keys(const KernelMemory& memory);

// By shape, in the kernel's image from _stext on. `not_found` has the size of the searched part, and what of
// it is not in the dump.
Result<KallsymsPlaces> kallsyms_by_shape(const KernelMemory& memory);

// A part of a piece of memory that could not be read.
struct MemoryHole {
  uint64_t begin = 0, end = 0;  // offsets into what was asked for
  Error why;
};

// Reads all that can be read; the rest is left zero and listed, neighbouring pages together.
std::vector<MemoryHole> read_around_holes(const KernelMemory& memory, uint64_t address, MutableByteSpan out);

}  // namespace lifeboat
