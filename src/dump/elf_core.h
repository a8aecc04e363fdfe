// SPDX-License-Identifier: GPL-2.0-or-later
// ELF core files of a whole machine: /proc/vmcore, makedumpfile -E, QEMU's dump-guest-memory.
#pragma once

#include "src/dump/byte_source.h"
#include "src/dump/dump.h"

namespace lifeboat {

class ElfCore final : public Dump {
 public:
  // PN_XNUM is supported. Checked: class, byte order, 64-bit machine, type,
  // every program header against the file's size, and that they do not map the same bytes many times. A
  // segment that the file cuts off makes info().incomplete true, and reading past the cut gives `lost`. Not
  // checked until they are used: note contents.
  static Result<std::unique_ptr<ElfCore>> open(std::unique_ptr<ByteSource> file);

  [[nodiscard]] const DumpInfo& info() const override { return info_; }
  [[nodiscard]] Result<PageState> page_state(uint64_t pfn) const override;
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override { return ram_; }
  [[nodiscard]] bool parallel_reads() const override { return file_->parallel_reads(); }
  // Bytes between p_filesz and p_memsz read as zeros.
  Result<> read(uint64_t physical_address, MutableByteSpan out) override;

  // The first address at or behind this one whose byte is stored in the file, or should be.
  [[nodiscard]] uint64_t next_data(uint64_t physical_address) const override;
  void verify(VerifyReport& report, Progress& progress) override;

 private:
  // A piece of memory: its first `file_size` bytes are in the file, the rest reads as zeros.
  struct Piece {
    uint64_t physical = 0, size = 0, file_offset = 0, file_size = 0;
    [[nodiscard]] uint64_t end() const { return physical + size; }
  };
  ElfCore(std::unique_ptr<ByteSource> file, DumpInfo info, std::vector<Piece> segments);
  static std::vector<Piece> without_overlap(std::vector<Piece> segments);
  // How many of the bytes that a piece should have the file has.
  [[nodiscard]] uint64_t present(const Piece& piece) const;
  // The pages of ram() that have bytes in the file, and those that should have but lie wholly beyond its end.
  // The rest reads as zeros.
  [[nodiscard]] std::vector<PhysicalRange> present_ranges() const;
  [[nodiscard]] std::vector<PhysicalRange> lost_ranges() const;
  [[nodiscard]] std::vector<Piece>::const_iterator piece_behind(uint64_t physical_address) const;

  std::unique_ptr<ByteSource> file_;
  DumpInfo info_;
  std::vector<Piece> pieces_;  // sorted by physical address, not overlapping
  std::vector<PhysicalRange> ram_;
};

}  // namespace lifeboat
