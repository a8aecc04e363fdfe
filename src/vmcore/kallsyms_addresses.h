// SPDX-License-Identifier: GPL-2.0-or-later
// The addresses of the symbols, in the order of the names, in one of the forms that kernels have used
// (kernel/kallsyms.c, kallsyms_sym_address()).
#pragma once

#include <optional>
#include <vector>

#include "src/vmcore/kallsyms_tables.h"

namespace lifeboat {

enum class AddressForm {
  absolute,         // u64, relocated at boot; !CONFIG_KALLSYMS_BASE_RELATIVE, gone with 6.15
  base_relative,    // base + u32
  absolute_percpu,  // s32: from 0 on itself (offsets of per-CPU variables), below 0 base - 1 - value;
                    // CONFIG_KALLSYMS_ABSOLUTE_PERCPU, gone with 6.15
  place_relative,   // s32, from its own place; 7.0 and later
};

struct AddressReading {
  AddressTablePlace place;
  AddressForm form = AddressForm::absolute;
};
// Every way of reading the tables that may hold the addresses.
std::vector<AddressReading> address_readings(const KallsymsPlaces& places);
// The address of one symbol by one way of reading.
Result<uint64_t> read_symbol_address(const KernelMemory& memory, const AddressReading& reading,
                                     uint64_t index);

class KallsymsAddresses {
 public:
  // Reads the whole table. A page that cannot be read leaves symbols without an address: see lost(). Fails
  // with the memory's error when nothing can be read.
  static Result<KallsymsAddresses> read(const KernelMemory& memory, const AddressReading& reading,
                                        size_t count);

  [[nodiscard]] size_t size() const { return count_; }
  // Of a lost one: the last known before it, so that the order stays whole.
  [[nodiscard]] uint64_t operator[](size_t index) const;
  [[nodiscard]] bool lost(size_t index) const { return hole_at(index) != nullptr; }
  [[nodiscard]] const std::vector<MemoryHole>& holes() const { return holes_; }

 private:
  KallsymsAddresses() = default;
  [[nodiscard]] const MemoryHole* hole_at(size_t index) const;

  AddressReading reading_;
  size_t count_ = 0;
  uint64_t base_ = 0;
  std::vector<std::byte> table_;
  std::vector<MemoryHole> holes_;  // in entries, in order
};

}  // namespace lifeboat
