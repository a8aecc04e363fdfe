// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/orc.h"

#include <algorithm>
#include <array>

#include "src/vmcore/x86_64/page_table.h"

namespace lifeboat::x86_64 {
namespace {

using Register = OrcRegister;

// Ten times what the largest kernel has.
constexpr uint64_t kMaxEntries = uint64_t{1} << 24;
constexpr uint64_t kPieceEntries = kPageBytes / sizeof(int32_t);

constexpr std::array<Register, 10> kRegisters = {
    Register::undefined, Register::previous_sp, Register::dx,  Register::di,          Register::bp,
    Register::sp,        Register::r10,         Register::r13, Register::bp_indirect, Register::sp_indirect};
constexpr std::array<Register, 11> kRenumberedRegisters = {
    Register::undefined,   Register::ax,          Register::dx,         Register::sp,
    Register::bp,          Register::di,          Register::r10,        Register::r13,
    Register::previous_sp, Register::sp_indirect, Register::bp_indirect};

std::optional<Register> register_of(OrcVersion version, unsigned number) {
  if (version == OrcVersion::renumbered)
    return number < kRenumberedRegisters.size() ? std::optional(kRenumberedRegisters[number]) : std::nullopt;
  return number < kRegisters.size() ? std::optional(kRegisters[number]) : std::nullopt;
}

bool is_base_of_bp(Register reg) {
  return reg == Register::undefined || reg == Register::previous_sp || reg == Register::bp;
}

// The type was two bits, and another bit marked an entry without a stack pointer as the end.
std::optional<OrcType> early_type(unsigned type, bool has_stack, bool end) {
  if (!has_stack) return end ? OrcType::end : OrcType::undefined;
  constexpr std::array kTypes = {OrcType::call, OrcType::registers, OrcType::partial_registers};
  return type < kTypes.size() && !end ? std::optional(kTypes[type]) : std::nullopt;
}

std::optional<OrcType> late_type(unsigned type) {
  return type <= static_cast<unsigned>(OrcType::partial_registers) ? std::optional(static_cast<OrcType>(type))
                                                                   : std::nullopt;
}

// Nearly all entries are calls with a frame found from the stack or frame pointer; decoded with a wrong
// version they look different.
bool is_usual(const OrcEntry& entry) {
  return entry.type == OrcType::call && (entry.sp == Register::sp || entry.sp == Register::bp) &&
         entry.sp_offset > 0 && entry.sp_offset % 8 == 0;
}

// An entry without a frame has no other data either.
bool is_consistent(const OrcEntry& entry) {
  if (entry.type == OrcType::undefined || entry.type == OrcType::end)
    return entry.sp == Register::undefined && entry.sp_offset == 0 && !entry.interrupted;
  return entry.sp != Register::undefined && entry.sp != Register::previous_sp;
}

}  // namespace

std::optional<OrcEntry> decode_orc(OrcVersion version, const RawOrcEntry& raw) {
  const auto bit = [&raw](unsigned number) { return (raw.flags >> number & 1) != 0; };
  const auto sp = register_of(version, raw.flags & 0xf);
  const auto bp = register_of(version, raw.flags >> 4 & 0xf);
  if (!sp || !bp || !is_base_of_bp(*bp)) return std::nullopt;
  OrcEntry entry{.sp_offset = raw.sp_offset, .bp_offset = raw.bp_offset, .sp = *sp, .bp = *bp};
  const bool has_stack = *sp != Register::undefined;
  std::optional<OrcType> type;
  unsigned used_bits = 12;
  switch (version) {
    case OrcVersion::first:
      used_bits = 11;
      type = early_type(raw.flags >> 8 & 3, has_stack, bit(10));
      // A frame found by saved registers was interrupted.
      entry.interrupted = type == OrcType::registers || type == OrcType::partial_registers;
      entry.offset_is_outside = false;
      break;
    case OrcVersion::with_signal:
      type = early_type(raw.flags >> 8 & 3, has_stack, bit(11));
      entry.interrupted = bit(10);
      break;
    case OrcVersion::with_types:
    case OrcVersion::renumbered:
      type = late_type(raw.flags >> 8 & 7);
      entry.interrupted = bit(11);
      break;
  }
  if (!type || raw.flags >> used_bits != 0) return std::nullopt;
  entry.type = *type;
  return entry;
}

std::optional<OrcVersion> orc_version_of_header(uint32_t first_bytes) {
  switch (first_bytes) {
    case 0xdb84aed4:
      return OrcVersion::with_signal;
    case 0xfe5d32bf:
      return OrcVersion::with_types;
    case 0x137c36ad:
      return OrcVersion::renumbered;
    default:
      return std::nullopt;
  }
}

Result<OrcVersion> orc_version_of_entries(const KernelMemory& memory, const OrcPlace& place) {
  constexpr uint64_t kSamples = 64, kInSample = 64;
  constexpr std::array kVersions = {OrcVersion::first, OrcVersion::with_signal, OrcVersion::with_types,
                                    OrcVersion::renumbered};
  std::array<int64_t, kVersions.size()> scores{};
  uint64_t read = 0;
  std::optional<Error> error;
  for (uint64_t sample = 0; sample < kSamples; ++sample) {
    const uint64_t first = place.count * sample / kSamples;
    std::vector<RawOrcEntry> entries(std::min(kInSample, place.count - first));
    if (auto done = memory.read(place.entries + first * sizeof(RawOrcEntry),
                                std::as_writable_bytes(std::span(entries)));
        !done) {
      error = std::move(done).error();
      continue;
    }
    read += entries.size();
    for (size_t version = 0; version < kVersions.size(); ++version) {
      for (const RawOrcEntry& raw : entries) {
        // One contradiction weighs more than one entry that fits by chance.
        constexpr int64_t kContradiction = 16;
        const auto entry = decode_orc(kVersions[version], raw);
        scores[version] += !entry || !is_consistent(*entry) ? -kContradiction : is_usual(*entry) ? 1 : 0;
      }
    }
  }
  if (read == 0 && error) return std::unexpected(std::move(*error).context("ORC unwind tables"));
  // The first of those that fit equally well: only rare entries differ between the first two.
  const auto best = std::ranges::max_element(scores);
  if (*best <= static_cast<int64_t>(read / 2))
    return fail(ErrorCode::corrupt, "the ORC unwind tables are of an unknown version");
  return kVersions[static_cast<size_t>(best - scores.begin())];
}

Result<OrcTable> OrcTable::create(const KernelMemory& memory, const OrcPlace& place, OrcVersion version) {
  if (place.count == 0) return fail(ErrorCode::not_found, "the ORC unwind tables are empty");
  const auto bytes_above = [](uint64_t address) { return ~uint64_t{0} - address; };
  if (place.count > kMaxEntries || place.count * sizeof(int32_t) > bytes_above(place.ips) ||
      place.count * sizeof(RawOrcEntry) > bytes_above(place.entries))
    return fail(ErrorCode::corrupt, "the ORC unwind tables cannot be right: {} entries at {:#x}", place.count,
                place.ips);
  return OrcTable(memory, place, version);
}

Result<uint64_t> OrcTable::address_at(uint64_t index) {
  const uint64_t piece = index / kPieceEntries;
  const uint64_t first = piece * kPieceEntries;
  auto found = pages_.find(piece);
  if (found == pages_.end()) {
    std::vector<int32_t> values(std::min(kPieceEntries, place_.count - first));
    TRY_VOID(memory_->read(place_.ips + first * sizeof(int32_t), std::as_writable_bytes(std::span(values))));
    found = pages_.emplace(piece, std::move(values)).first;
  }
  return place_.ips + index * sizeof(int32_t) + static_cast<uint64_t>(int64_t{found->second[index - first]});
}

Result<OrcEntry> OrcTable::find(uint64_t address) {
  // The last entry at or below; of several at one address the last, since terminators of sections come
  // before.
  uint64_t low = 0, high = place_.count;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (TRY(address_at(middle)) <= address)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return fail(ErrorCode::not_found, "no ORC entry for {:#x}", address);
  const auto raw = TRY(memory_->read<RawOrcEntry>(place_.entries + (low - 1) * sizeof(RawOrcEntry)));
  const auto entry = decode_orc(version_, raw);
  if (!entry)
    return fail(ErrorCode::corrupt, "ORC (stack unwinding) entry {} for {:#x} has unknown flags {:#x}",
                low - 1, address, raw.flags);
  return *entry;
}

}  // namespace lifeboat::x86_64
