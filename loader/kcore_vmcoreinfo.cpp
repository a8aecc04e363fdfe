// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kcore_vmcoreinfo.h"

#include <elf.h>
#include <fcntl.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

// Headers and notes; the kernel's VMCOREINFO has at most a page.
constexpr uint64_t kMaxHead = 256_KiB, kMaxNotes = 1_MiB;

std::string find_note(ByteSpan notes) {
  constexpr std::string_view kName = "VMCOREINFO";
  constexpr uint64_t kAlignment = 4;
  for (uint64_t at = 0; at < notes.size();) {
    const auto header = load<Elf64_Nhdr>(notes, at, "kcore");
    if (!header) break;
    const uint64_t name_at = at + sizeof(Elf64_Nhdr);
    const uint64_t text_at = name_at + align_up(header->n_namesz, kAlignment);
    const auto name = slice(notes, name_at, header->n_namesz, "kcore");
    const auto text = slice(notes, text_at, header->n_descsz, "kcore");
    if (!name || !text) break;
    if (text_until_nul(*name) == kName) return std::string(text_until_nul(*text));
    at = text_at + align_up(header->n_descsz, kAlignment);
  }
  return {};
}

std::optional<Elf64_Phdr> note_segment(ByteSpan head) {
  const auto header = load<Elf64_Ehdr>(head, 0, "kcore");
  if (!header || header->e_phoff > head.size()) return std::nullopt;
  for (uint64_t index = 0; index < header->e_phnum; ++index) {
    const auto segment = load<Elf64_Phdr>(head, header->e_phoff + index * sizeof(Elf64_Phdr), "kcore");
    if (!segment) return std::nullopt;
    if (segment->p_type == PT_NOTE) return *segment;
  }
  return std::nullopt;
}

}  // namespace

std::string read_kcore_vmcoreinfo(const std::string& proc) {
  const auto file = open_file(proc + "/kcore", O_RDONLY);
  if (!file) return {};
  std::vector<std::byte> head(kMaxHead);
  const auto count = pread_some(file->get(), 0, head, "kcore");
  if (!count) return {};
  const auto segment = note_segment(ByteSpan(head).first(*count));
  if (!segment || segment->p_filesz == 0 || segment->p_filesz > kMaxNotes || segment->p_offset > INT64_MAX)
    return {};
  std::vector<std::byte> notes(segment->p_filesz);
  const auto read = pread_some(file->get(), segment->p_offset, notes, "kcore");
  return read ? find_note(ByteSpan(notes).first(*read)) : std::string();
}

}  // namespace lifeboat
