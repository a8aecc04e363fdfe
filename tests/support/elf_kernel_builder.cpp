// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/elf_kernel_builder.h"

#include <cstring>

namespace lifeboat::test {
namespace {

constexpr uint64_t kText = 16 << 20, kData = 18 << 20;
constexpr uint64_t kTextOffset = 0x1000, kDataOffset = 0x2000, kEnd = 0x2800;
constexpr uint64_t kVirtualBase = 0xffffffff80000000;

Elf64_Ehdr header() {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_entry = kText + 0x10;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 3;
  return header;
}

Elf64_Phdr load(uint64_t physical, uint64_t offset, uint64_t file_size, uint64_t memory_size) {
  return {.p_type = PT_LOAD,
          .p_flags = PF_R,
          .p_offset = offset,
          .p_vaddr = kVirtualBase + physical,
          .p_paddr = physical,
          .p_filesz = file_size,
          .p_memsz = memory_size,
          .p_align = 0x1000};
}

template <typename T>
T patched(T value, const std::function<void(T&)>& patch) {
  if (patch) patch(value);
  return value;
}

}  // namespace

std::vector<std::byte> build_elf_kernel(const ElfKernelFields& fields) {
  std::vector<std::byte> file(kEnd);
  const auto put = [&](uint64_t offset, const auto& value) {
    std::memcpy(file.data() + offset, &value, sizeof(value));
    return offset + sizeof(value);
  };
  uint64_t at = put(0, patched(header(), fields.header));
  at = put(at, patched(load(kData, kDataOffset, 0x800, 0x800), fields.data));
  at = put(at, patched(load(kText, kTextOffset, 0x1000, 0x2000), fields.text));
  auto note = load(0, kDataOffset, 0x20, 0x20);
  note.p_type = PT_NOTE;
  put(at, patched(note, fields.note));
  std::memcpy(file.data() + kDataOffset + 0x100, fields.banner.data(), fields.banner.size());
  return file;
}

}  // namespace lifeboat::test
