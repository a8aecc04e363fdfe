// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/elf_notes.h"

// Every note must lie within the input, where its header has it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  const ByteSpan input(reinterpret_cast<const std::byte*>(data), size);
  uint64_t end = 0;
  ElfNotes notes(input);
  while (const auto note = notes.next()) {
    if (note->description_offset < end || note->description_offset > size) __builtin_trap();
    if (note->description.size() > size - note->description_offset) __builtin_trap();
    if (note->description.data() != input.data() + note->description_offset) __builtin_trap();
    end = note->description_offset + note->description.size();
  }
  return 0;
}
