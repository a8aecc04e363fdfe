// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/module_build_id.h"

#include <elf.h>

#include "src/base/size.h"
#include "src/dump/elf_notes.h"

namespace lifeboat {
namespace {

constexpr std::string_view kSection = ".note.gnu.build-id";
constexpr uint64_t kMaxAttributes = 16;  // a module has two or three note sections
constexpr uint64_t kLargestSection = 4_KiB;

// `section`: the bytes of a note section.
Result<std::vector<std::byte>> build_id_of(ByteSpan section, const Module& module) {
  ElfNotes notes(section);
  while (const auto note = notes.next()) {
    if (note->type != NT_GNU_BUILD_ID || note->name != "GNU" || note->description.empty()) continue;
    return std::vector(note->description.begin(), note->description.end());
  }
  return fail(ErrorCode::corrupt, "the notes of module '{}' hold no build id", module.name);
}

}  // namespace

Result<std::vector<std::byte>> read_module_build_id(const KernelMemory& memory, const KernelTypes& types,
                                                    const Module& module) {
  // struct module_notes_attrs of kernel/module/sysfs.c: an array of bin_attribute at its end, one for each
  // section. The length has different forms (a count; since 6.14 a list of pointers); but each has a name,
  // and the build id, the linker's first note, is among the first.
  const uint64_t notes =
      TRY(KernelTypes::number(memory, module.address, TRY(types.field("module", "notes_attrs"))));
  if (notes == 0) return fail(ErrorCode::not_found, "module '{}' has no notes", module.name);
  const Field array = TRY(types.field("module_notes_attrs", "attrs"));
  const uint64_t size = TRY(types.size_of("bin_attribute"));
  const Field name = TRY(types.field("bin_attribute", "attr.name"));
  const Field length = TRY(types.field("bin_attribute", "size"));
  const Field data = TRY(types.field("bin_attribute", "private"));
  for (uint64_t index = 0; index < kMaxAttributes; ++index) {
    const uint64_t attribute = notes + array.offset + index * size;
    const uint64_t text = TRY(KernelTypes::number(memory, attribute, name));
    if (text == 0) break;
    if (TRY(memory.read_string(text, kSection.size() + 1)) != kSection) continue;
    const uint64_t bytes = TRY(KernelTypes::number(memory, attribute, length));
    if (bytes > kLargestSection)
      return fail(ErrorCode::corrupt, "{} of module '{}' is too large: {} bytes, at most {}", kSection,
                  module.name, bytes, kLargestSection);
    std::vector<std::byte> section(bytes);
    TRY_VOID(memory.read(TRY(KernelTypes::number(memory, attribute, data)), section));
    return build_id_of(section, module);
  }
  return fail(ErrorCode::not_found, "module '{}' has no build id: its debug file cannot be found",
              module.name);
}

}  // namespace lifeboat
