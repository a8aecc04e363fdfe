// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/code_map.h"

#include <algorithm>
#include <array>

namespace lifeboat::x86_64 {

void CodeMap::add(uint64_t begin, uint64_t end, std::shared_ptr<OrcTable> table) {
  if (begin >= end) return;
  const auto at = std::ranges::upper_bound(ranges_, begin, {}, &Range::begin);
  ranges_.insert(at, {begin, end, std::move(table)});
}

const CodeMap::Range* CodeMap::range(uint64_t address) const {
  const auto after = std::ranges::upper_bound(ranges_, address, {}, &Range::begin);
  if (after == ranges_.begin()) return nullptr;
  const Range& found = *std::prev(after);
  return address < found.end ? &found : nullptr;
}

bool CodeMap::is_trampoline(uint64_t address) const {
  return std::ranges::find(trampolines_, address) != trampolines_.end();
}

bool CodeMap::follows_call(uint64_t address) const {
  constexpr size_t kLongest = 7;
  if (!holds(address) && !holds(address - 1)) return false;
  std::array<std::byte, kLongest> before;
  if (!memory_->read(address - kLongest, before)) return false;
  const auto byte = [&before](size_t back) { return std::to_integer<unsigned>(before[kLongest - back]); };
  if (byte(5) == 0xe8) return true;
  // ff /2: by a register, or by memory with its forms of addresses.
  constexpr std::array<size_t, 5> kIndirectLengths = {2, 3, 4, 6, 7};
  return std::ranges::any_of(kIndirectLengths, [&byte](size_t length) {
    return byte(length) == 0xff && (byte(length - 1) >> 3 & 7) == 2;
  });
}

std::optional<uint64_t> CodeMap::called_before(uint64_t return_address) const {
  constexpr uint64_t kDistance = 4, kCall = 5;
  if (!holds(return_address - 1)) return std::nullopt;
  const auto operation = memory_->read<uint8_t>(return_address - kCall);
  const auto distance = memory_->read<int32_t>(return_address - kDistance);
  if (!operation || !distance || *operation != 0xe8) return std::nullopt;
  return return_address + static_cast<uint64_t>(int64_t{*distance});
}

Result<OrcEntry> CodeMap::find(uint64_t address) const {
  if (const auto found = entries_.find(address); found != entries_.end()) return found->second;
  const Range* code = range(address);
  if (code == nullptr) return fail(ErrorCode::not_found, "{:#x} is not in known code", address);
  if (code->table == nullptr)
    return fail(ErrorCode::not_found, "there is no unwind table for {:#x}", address);
  const OrcEntry entry = TRY(code->table->find(address));
  entries_.emplace(address, entry);
  return entry;
}

}  // namespace lifeboat::x86_64
