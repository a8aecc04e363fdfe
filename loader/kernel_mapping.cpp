// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel_mapping.h"

#include <elf.h>

#include <fstream>

#include "src/base/bytes.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {

std::vector<KcoreSegment> read_kcore_segments(const std::string& proc) {
  std::vector<KcoreSegment> segments;
  const auto file = open_file(proc + "/kcore", O_RDONLY);
  if (!file) return segments;
  std::vector<std::byte> head(256_KiB);
  const auto count = pread_some(file->get(), 0, head, "kcore");
  if (!count) return segments;
  const ByteSpan bytes = ByteSpan(head).first(*count);
  const auto header = load<Elf64_Ehdr>(bytes, 0, "kcore");
  if (!header || header->e_phoff > bytes.size()) return segments;
  for (unsigned index = 0; index < header->e_phnum; ++index) {
    const auto segment = load<Elf64_Phdr>(bytes, header->e_phoff + index * sizeof(Elf64_Phdr), "kcore");
    if (!segment) break;
    // Those of vmalloc, modules and vmemmap have the physical address -1.
    if (segment->p_type == PT_LOAD && segment->p_paddr != UINT64_MAX)
      segments.push_back({segment->p_vaddr, segment->p_paddr, segment->p_memsz});
  }
  return segments;
}

uint64_t read_text_symbol(const std::string& proc) {
  std::ifstream file(proc + "/kallsyms");
  std::string line;
  while (std::getline(file, line)) {
    if (line.ends_with(" _text"))
      return parse_number(std::string_view(line).substr(0, line.find(' ')), 16).value_or(0);
    // A module's symbols have its name behind, and come after the kernel's.
    if (line.ends_with(']')) break;
  }
  return 0;
}

}  // namespace lifeboat
