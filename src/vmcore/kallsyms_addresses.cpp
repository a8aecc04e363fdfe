// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/kallsyms_addresses.h"

#include <algorithm>
#include <cstring>

namespace lifeboat {
namespace {

size_t entry_size(AddressForm form) {
  return form == AddressForm::absolute ? sizeof(uint64_t) : sizeof(uint32_t);
}

// The sums wrap as they do in the kernel; the caller checks whether the address is mapped.
uint64_t address_of_entry(const AddressReading& reading, uint64_t base, uint64_t index,
                          const std::byte* entry) {
  if (reading.form == AddressForm::absolute) {
    uint64_t address;
    std::memcpy(&address, entry, sizeof address);
    return address;
  }
  int32_t value;
  std::memcpy(&value, entry, sizeof value);
  const auto extended = static_cast<uint64_t>(int64_t{value});
  switch (reading.form) {
    case AddressForm::base_relative:
      return base + static_cast<uint32_t>(value);
    case AddressForm::absolute_percpu:
      return value >= 0 ? extended : base - 1 - extended;
    default:
      return reading.place.table + index * sizeof value + extended;
  }
}

Result<uint64_t> read_base(const KernelMemory& memory, const AddressReading& reading) {
  const bool counts_from_base =
      reading.form == AddressForm::base_relative || reading.form == AddressForm::absolute_percpu;
  if (!counts_from_base) return 0;
  return TRY_CONTEXT(memory.read<uint64_t>(reading.place.base_variable.value_or(0)),
                     "kallsyms_relative_base");
}

}  // namespace

std::vector<AddressReading> address_readings(const KallsymsPlaces& places) {
  std::vector<AddressReading> readings;
  for (const auto& place : places.addresses) {
    if (place.base_variable) {
      readings.push_back({place, AddressForm::absolute_percpu});
      readings.push_back({place, AddressForm::base_relative});
    }
    readings.push_back({place, AddressForm::place_relative});
    readings.push_back({place, AddressForm::absolute});
  }
  return readings;
}

Result<uint64_t> read_symbol_address(const KernelMemory& memory, const AddressReading& reading,
                                     uint64_t index) {
  const uint64_t base = TRY(read_base(memory, reading));
  const size_t size = entry_size(reading.form);
  std::byte entry[sizeof(uint64_t)];
  TRY_VOID(memory.read(reading.place.table + index * size, MutableByteSpan(entry).first(size)));
  return address_of_entry(reading, base, index, entry);
}

Result<KallsymsAddresses> KallsymsAddresses::read(const KernelMemory& memory, const AddressReading& reading,
                                                  size_t count) {
  KallsymsAddresses addresses;
  addresses.reading_ = reading;
  addresses.count_ = count;
  addresses.base_ = TRY(read_base(memory, reading));
  const size_t size = entry_size(reading.form);
  addresses.table_.resize(count * size);
  addresses.holes_ = read_around_holes(memory, reading.place.table, addresses.table_);
  // In entries from here on. One that lies half in a hole is lost.
  for (auto& hole : addresses.holes_) {
    hole.begin /= size;
    hole.end = divide_up(hole.end, size);
    if (hole.begin == 0 && hole.end == count)
      return std::unexpected(std::move(hole.why).context("the addresses of kallsyms"));
  }
  return addresses;
}

const MemoryHole* KallsymsAddresses::hole_at(size_t index) const {
  if (holes_.empty()) return nullptr;
  const auto hole = std::ranges::upper_bound(holes_, index, {}, &MemoryHole::end);
  return hole != holes_.end() && index >= hole->begin ? &*hole : nullptr;
}

uint64_t KallsymsAddresses::operator[](size_t index) const {
  if (const auto* hole = hole_at(index)) {
    if (hole->begin == 0) return 0;
    index = hole->begin - 1;
  }
  return address_of_entry(reading_, base_, index, &table_[index * entry_size(reading_.form)]);
}

}  // namespace lifeboat
