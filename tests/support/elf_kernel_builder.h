// SPDX-License-Identifier: GPL-2.0-or-later
// A small vmlinux: valid as it stands, with two segments and a note; the patches then run over its headers,
// so that a test makes exactly one field a lie.
#pragma once

#include <elf.h>

#include <functional>
#include <string>
#include <vector>

#include "src/base/bytes.h"

namespace lifeboat::test {

struct ElfKernelFields {
  std::string banner = "Linux version 6.12.1-elf (builder@host) #1 SMP";
  std::function<void(Elf64_Ehdr&)> header = {};
  std::function<void(Elf64_Phdr&)> text = {};  // 16 MiB, 4 KiB in the file and 8 KiB in memory
  std::function<void(Elf64_Phdr&)> data = {};  // at 18 MiB; stands before the text in the table
  std::function<void(Elf64_Phdr&)> note = {};
};
std::vector<std::byte> build_elf_kernel(const ElfKernelFields& fields = {});

}  // namespace lifeboat::test
