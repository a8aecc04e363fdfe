// SPDX-License-Identifier: GPL-2.0-or-later
// ORC: for every range of instructions, how the caller's stack pointer and frame pointer are found. Two
// parallel tables, .orc_unwind_ip (s32, relative to itself, sorted) and .orc_unwind (6 bytes each), for
// vmlinux and for each module. Source: arch/x86/include/asm/orc_types.h and arch/x86/kernel/unwind_orc.c.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "src/vmcore/kernel_memory.h"

namespace lifeboat::x86_64 {

// How the flags of an entry are laid out.
enum class OrcVersion {
  first,        // 4.14 to 6.2: type in bits 8-9, end in 10
  with_signal,  // 6.3: type 8-9, signal 10, end 11 (ffb1b4a41016)
  with_types,   // 6.4 to 7.0: type 8-10, which includes undefined and end, signal 11 (fb799447ae29)
  renumbered,   // 7.1 and later: the same with other numbers for the registers
};

enum class OrcRegister : uint8_t {
  undefined,
  ax,
  dx,
  di,
  bp,
  sp,
  r10,
  r13,
  previous_sp,
  bp_indirect,
  sp_indirect
};

enum class OrcType : uint8_t {
  undefined,          // no known stack frame
  end,                // the outermost function, without a caller
  call,               // a return address lies below the caller's stack pointer
  registers,          // a whole struct pt_regs
  partial_registers,  // only what iret takes: ip, cs, flags, sp, ss
};

// As in the table.
struct RawOrcEntry {
  int16_t sp_offset = 0, bp_offset = 0;
  uint16_t flags = 0;
};
static_assert(sizeof(RawOrcEntry) == 6);

// As it is meant, whatever the version.
struct OrcEntry {
  int16_t sp_offset = 0, bp_offset = 0;
  OrcRegister sp = OrcRegister::undefined, bp = OrcRegister::undefined;
  OrcType type = OrcType::undefined;
  bool interrupted = false;  // the frame that is found by this entry was interrupted, it did not call
  // sp_indirect means [sp] + offset. Before 5.12 it was [sp + offset], without a flag for it: false.
  bool offset_is_outside = true;
};

// nullopt: that version has no such entry.
std::optional<OrcEntry> decode_orc(OrcVersion version, const RawOrcEntry& raw);

struct OrcPlace {
  uint64_t ips = 0;      // address of .orc_unwind_ip
  uint64_t entries = 0;  // address of .orc_unwind
  uint64_t count = 0;
};

// By the first four bytes of the hash in .orc_header (b9f174c811e3), read big-endian. nullopt: an unknown
// hash.
std::optional<OrcVersion> orc_version_of_header(uint32_t first_bytes);
// The version with which the entries are valid. `corrupt`: none.
Result<OrcVersion> orc_version_of_entries(const KernelMemory& memory, const OrcPlace& place);

// Looks entries up in the dump's memory. Keeps the pages of addresses that it has seen.
class OrcTable {
 public:
  // `corrupt` when the tables cannot be that long. Their order is not checked: a table that is not sorted
  // yields wrong entries, but always ends.
  static Result<OrcTable> create(const KernelMemory& memory, const OrcPlace& place, OrcVersion version);

  // `not_found`: lower than all entries of the table. `corrupt`: an entry that its version does not have.
  Result<OrcEntry> find(uint64_t address);

 private:
  OrcTable(const KernelMemory& memory, const OrcPlace& place, OrcVersion version)
      : memory_(&memory), place_(place), version_(version) {}
  Result<uint64_t> address_at(uint64_t index);

  const KernelMemory* memory_;
  OrcPlace place_;
  OrcVersion version_;
  std::unordered_map<uint64_t, std::vector<int32_t>> pages_;  // of .orc_unwind_ip, by the number of the piece
};

}  // namespace lifeboat::x86_64
