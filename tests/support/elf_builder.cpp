// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/elf_builder.h"

#include "tests/support/pages.h"

namespace lifeboat::test {
namespace {

// sizeof(struct elf_prstatus) of x86-64.
constexpr size_t kPrstatusSize = 336;

}  // namespace

std::vector<std::byte> elf_note(std::string_view name, uint32_t type, ByteSpan description) {
  const Elf64_Nhdr header{static_cast<uint32_t>(name.size() + 1), static_cast<uint32_t>(description.size()),
                          type};
  std::vector<std::byte> bytes = to_bytes(object_bytes(header));
  append(bytes, as_byte_span(name));
  bytes.resize(sizeof header + align_up(name.size() + 1, 4));
  append(bytes, description);
  bytes.resize(align_up(bytes.size(), 4));
  return bytes;
}

ElfBuilder& ElfBuilder::note(std::string_view name, uint32_t type, ByteSpan description) {
  return raw_notes(elf_note(name, type, description));
}

ElfBuilder& ElfBuilder::vmcoreinfo(std::string_view text) {
  return note("VMCOREINFO", 0, as_byte_span(text));
}

ElfBuilder& ElfBuilder::machine(uint16_t elf_machine) {
  return patch_header([elf_machine](Elf64_Ehdr& header) { header.e_machine = elf_machine; });
}

ElfBuilder& ElfBuilder::cpu() {
  return note("CORE", NT_PRSTATUS, std::vector<std::byte>(kPrstatusSize));
}

ElfBuilder& ElfBuilder::raw_notes(ByteSpan bytes) {
  append(notes_, bytes);
  return *this;
}

ElfBuilder& ElfBuilder::load(uint64_t physical, ByteSpan bytes, uint64_t memory_size) {
  loads_.push_back({physical, to_bytes(bytes), memory_size == 0 ? bytes.size() : memory_size});
  return *this;
}

ElfBuilder& ElfBuilder::extended_numbering() {
  extended_ = true;
  return *this;
}

ElfBuilder& ElfBuilder::patch_header(std::function<void(Elf64_Ehdr&)> patch) {
  header_patches_.push_back(std::move(patch));
  return *this;
}

ElfBuilder& ElfBuilder::patch_segment(size_t index, std::function<void(Elf64_Phdr&)> patch) {
  segment_patches_.emplace_back(index, std::move(patch));
  return *this;
}

ElfBuilder& ElfBuilder::patch_section(std::function<void(Elf64_Shdr&)> patch) {
  section_patches_.push_back(std::move(patch));
  return *this;
}

uint64_t ElfBuilder::contents_offset() const {
  const size_t count = loads_.size() + (notes_.empty() ? 0 : 1);
  return sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Phdr) + (extended_ ? sizeof(Elf64_Shdr) : 0);
}

std::vector<Elf64_Phdr> ElfBuilder::segments() const {
  std::vector<Elf64_Phdr> segments;
  uint64_t offset = contents_offset();
  if (!notes_.empty()) {
    Elf64_Phdr segment{};
    segment.p_type = PT_NOTE;
    segment.p_offset = offset;
    segment.p_filesz = segment.p_memsz = notes_.size();
    segments.push_back(segment);
    offset += notes_.size();
  }
  for (const auto& load : loads_) {
    Elf64_Phdr segment{};
    segment.p_type = PT_LOAD;
    segment.p_flags = PF_R | PF_W | PF_X;
    segment.p_offset = offset;
    // The direct mapping of a kernel without KASLR.
    segment.p_vaddr = 0xffff888000000000 + load.physical;
    segment.p_paddr = load.physical;
    segment.p_filesz = load.bytes.size();
    segment.p_memsz = load.memory_size;
    segments.push_back(segment);
    offset += load.bytes.size();
  }
  return segments;
}

Elf64_Ehdr ElfBuilder::header(size_t segment_count) const {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_CORE;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<uint16_t>(extended_ ? PN_XNUM : segment_count);
  if (extended_) {
    header.e_shoff = sizeof(Elf64_Ehdr) + segment_count * sizeof(Elf64_Phdr);
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = 1;
  }
  return header;
}

std::vector<std::byte> ElfBuilder::build() const {
  auto program_headers = segments();
  Elf64_Ehdr elf_header = header(program_headers.size());
  Elf64_Shdr section{};
  section.sh_info = static_cast<uint32_t>(program_headers.size());
  for (const auto& patch : header_patches_) patch(elf_header);
  for (const auto& [index, patch] : segment_patches_) patch(program_headers.at(index));
  for (const auto& patch : section_patches_) patch(section);

  std::vector<std::byte> bytes = to_bytes(object_bytes(elf_header));
  append(bytes, std::as_bytes(std::span(program_headers)));
  if (extended_) append(bytes, object_bytes(section));
  append(bytes, notes_);
  for (const auto& load : loads_) append(bytes, load.bytes);
  return bytes;
}

}  // namespace lifeboat::test
