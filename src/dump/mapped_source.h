// SPDX-License-Identifier: GPL-2.0-or-later
// /proc/vmcore, read through windows of it that are mapped. A read(2) there maps, copies and unmaps every
// page by itself (copy_oldmem_page(), arch/*/kernel/crash_dump_64.c); a mapping does that once for megabytes
// (mmap_vmcore(), fs/proc/vmcore.c).
#pragma once

#include "src/dump/byte_source.h"

namespace lifeboat {

// `size`: of the file. Short reads, and what cannot be mapped, are read(2). For several threads.
std::unique_ptr<ByteSource> mapped_byte_source(UniqueFd fd, std::string name, uint64_t size);

}  // namespace lifeboat
