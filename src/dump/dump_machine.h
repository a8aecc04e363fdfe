// SPDX-License-Identifier: GPL-2.0-or-later
// The machine that a dump came from, as far as its container depends on it: names and page sizes. What lies
// in its memory is for src/vmcore.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/base/error.h"
#include "src/base/page_size.h"

namespace lifeboat {

struct DumpInfo;

// The name in utsname (as of `uname -m`) of an ELF machine; "ELF-machine-60000" for one without a name here.
std::string machine_name(uint16_t elf_machine);

// By that name. The headers of their dumps have another layout.
bool is_32_bit_machine(std::string_view machine);

// The page size of an ELF core: the only one of its machine; where a machine has several, what VMCOREINFO
// has. `unsupported` if neither is known, or another size than lifeboat reads. `file` is for messages.
Result<PageSize> page_size_of_elf(const DumpInfo& info, const std::string& file);

// The page size of a KDUMP file, by its header. `unsupported`: another size than lifeboat reads, or than
// VMCOREINFO has, of a machine that has several.
Result<PageSize> page_size_of_kdump(int32_t block_size, const std::string& file);
Result<> check_page_size(const DumpInfo& info, const std::string& file);

}  // namespace lifeboat
