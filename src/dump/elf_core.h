// SPDX-License-Identifier: GPL-2.0-or-later
// ELF core files of a whole machine: /proc/vmcore, makedumpfile -E, QEMU's dump-guest-memory.
#pragma once

#include "dump/byte_source.h"
#include "dump/dump.h"

namespace lifeboat {

class ElfCore final : public Dump {
 public:
  // Headers are read with libelf; PN_XNUM is honoured. Checked: class, byte order, machine (x86-64), type,
  // every program header against the file's size. A segment that the file cuts off makes info().incomplete
  // true and reading past the cut gives `lost`. Not checked: note contents, until they are asked for.
  static Result<std::unique_ptr<ElfCore>> open(std::unique_ptr<ByteSource> file);

  [[nodiscard]] const DumpInfo& info() const override { return info_; }
  [[nodiscard]] PageState page_state(uint64_t pfn) const override;
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override { return ram_; }
  // The pages of ram() that have bytes in the file, and those that should have but lie wholly beyond its end.
  // The rest reads as zeros.
  [[nodiscard]] std::vector<PhysicalRange> present_ranges() const;
  [[nodiscard]] std::vector<PhysicalRange> lost_ranges() const;
  // Bytes between p_filesz and p_memsz read as zeros.
  Result<> read(uint64_t physical_address, MutableByteSpan out) override;

 private:
  struct Segment {
    uint64_t physical = 0, file_offset = 0, file_size = 0, memory_size = 0;
  };
  ElfCore(std::unique_ptr<ByteSource> file, DumpInfo info, std::vector<Segment> segments);
  [[nodiscard]] const Segment* find(uint64_t physical_address) const;

  std::unique_ptr<ByteSource> file_;
  DumpInfo info_;
  std::vector<Segment> segments_;  // sorted by physical address
  std::vector<PhysicalRange> ram_;
};

// One ELF note. The spans point into the caller's bytes.
struct ElfNote {
  std::string_view name;
  uint32_t type = 0;
  ByteSpan description;
  uint64_t description_offset = 0;  // within the notes
};
// Walks note data; stops at the first malformed one (`truncated` is true then) and keeps those before it.
struct ElfNotes {
  std::vector<ElfNote> notes;
  bool truncated = false;
};
ElfNotes parse_notes(ByteSpan bytes);

}  // namespace lifeboat
