// SPDX-License-Identifier: GPL-2.0-or-later
// An ELF core, of x86-64 by default, built field by field. It is laid out whole and valid first;
// then the patches run over the headers, so that a test can make exactly one field a lie.
#pragma once

#include <elf.h>

#include <functional>
#include <string>
#include <vector>

#include "src/base/bytes.h"

namespace lifeboat::test {

// One note, padded as the kernel pads it.
std::vector<std::byte> elf_note(std::string_view name, uint32_t type, ByteSpan description);

class ElfBuilder {
 public:
  ElfBuilder& note(std::string_view name, uint32_t type, ByteSpan description);
  ElfBuilder& vmcoreinfo(std::string_view text);
  ElfBuilder& machine(uint16_t elf_machine);
  // An NT_PRSTATUS of a CPU, its registers zero.
  ElfBuilder& cpu();
  // Note data as they are, valid or not.
  ElfBuilder& raw_notes(ByteSpan bytes);
  // A PT_LOAD of `bytes` at the physical address; `memory_size` may be larger (0: as the bytes).
  ElfBuilder& load(uint64_t physical, ByteSpan bytes, uint64_t memory_size = 0);
  // The number of program headers goes to section header 0, as on machines with more than 65534 of them.
  ElfBuilder& extended_numbering();

  ElfBuilder& patch_header(std::function<void(Elf64_Ehdr&)> patch);
  // Segment 0 holds the notes, when there are any; the loads follow in order.
  ElfBuilder& patch_segment(size_t index, std::function<void(Elf64_Phdr&)> patch);
  ElfBuilder& patch_section(std::function<void(Elf64_Shdr&)> patch);

  [[nodiscard]] std::vector<std::byte> build() const;
  // Where the notes begin in build()'s bytes: behind all headers.
  [[nodiscard]] uint64_t contents_offset() const;

 private:
  struct Load {
    uint64_t physical = 0;
    std::vector<std::byte> bytes;
    uint64_t memory_size = 0;
  };
  [[nodiscard]] std::vector<Elf64_Phdr> segments() const;
  [[nodiscard]] Elf64_Ehdr header(size_t segment_count) const;

  std::vector<std::byte> notes_;
  std::vector<Load> loads_;
  bool extended_ = false;
  std::vector<std::function<void(Elf64_Ehdr&)>> header_patches_;
  std::vector<std::pair<size_t, std::function<void(Elf64_Phdr&)>>> segment_patches_;
  std::vector<std::function<void(Elf64_Shdr&)>> section_patches_;
};

}  // namespace lifeboat::test
