// SPDX-License-Identifier: GPL-2.0-or-later
#if defined(__x86_64__)
#include "src/cli/kexec/file_types.h"

namespace lifeboat::cli::kexec {

std::span<const FileType> file_types() {
  static constexpr FileType kTypes[] = {{"bzImage64", ImageKind::bzimage},
                                        {"bzImage", ImageKind::bzimage},
                                        {"elf-x86_64", ImageKind::elf_vmlinux},
                                        {"elf-x86", ImageKind::elf_vmlinux}};
  return kTypes;
}

std::string_view recommended_types() {
  return "bzImage64, elf-x86_64 or uki";
}

}  // namespace lifeboat::cli::kexec
#endif
