// SPDX-License-Identifier: GPL-2.0-or-later
// The memory that the benches work on: of a kernel that crashed with its memory in use.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace lifeboat::test {

// A folder with vmcore.elf (all of memory, at least 2 GiB), vmcore (the same at level 31 with zstd) and
// meminfo
// (/proc/meminfo just before the crash), of a guest with 6.12 in which page cache, heap and slab are filled.
// Made when there is none of today's recipe, which takes some minutes; else the one that was made before. A
// BenchError when it cannot be made.
std::filesystem::path bench_rehearsal();

// Of that folder: the fields of meminfo in MiB, by their names ("Cached", "AnonPages", "Slab", "MemFree").
std::map<std::string, uint64_t> memory_in_use(const std::filesystem::path& folder);

}  // namespace lifeboat::test
