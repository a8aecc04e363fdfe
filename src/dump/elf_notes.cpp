// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/elf_notes.h"

#include <elf.h>

#include "src/dump/limits.h"

namespace lifeboat {

std::optional<ElfNote> ElfNotes::next() {
  while (bytes_.size() - offset_ >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr header;
    std::memcpy(&header, bytes_.data() + offset_, sizeof header);
    // The kernel ends its notes with an empty one, and pads with zeros.
    if (header.n_namesz == 0 && header.n_descsz == 0 && header.n_type == 0) {
      offset_ += sizeof header;
      continue;
    }
    const uint64_t name_offset = offset_ + sizeof header;
    const uint64_t description_offset = name_offset + align_up(header.n_namesz, 4);
    const auto name = slice(bytes_, name_offset, header.n_namesz, "note name");
    const auto description = slice(bytes_, description_offset, header.n_descsz, "note");
    if (!name || !description) {
      truncated_ = true;
      offset_ = bytes_.size();
      return std::nullopt;
    }
    // The padding behind the last one may be missing.
    offset_ = std::min<uint64_t>(description_offset + align_up(header.n_descsz, 4), bytes_.size());
    return ElfNote{text_until_nul(*name), header.n_type, *description, description_offset};
  }
  return std::nullopt;
}

NotesSummary summarize_notes(ByteSpan bytes) {
  NotesSummary summary;
  ElfNotes notes(bytes);
  while (const auto note = notes.next()) {
    if (note->name == "VMCOREINFO" && note->description.size() <= kMaxVmcoreinfoBytes)
      summary.vmcoreinfo = text_until_nul(note->description);
    if (note->name == "CORE" && note->type == NT_PRSTATUS && summary.cpus < kMaxCpus) ++summary.cpus;
  }
  return summary;
}

}  // namespace lifeboat
