// SPDX-License-Identifier: GPL-2.0-or-later
// How long one CPU in the capture kernel would work for the dump of a crash of this machine; a slow target
// makes it no longer, for more CPUs make a target no faster. By what earlier crashes took; without one, by
// the machine's memory, the dump level, and what one CPU does in a second. docs/loading.md describes how the
// constants were measured.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "src/arming/stored_records.h"
#include "src/config/config.h"

namespace lifeboat::arming {

struct DumpTime {
  double seconds = 0;  // of work for one CPU; 0: no dump is to be saved, or the machine's memory is not known
  std::string source;  // what the number is from, one clause
};

// Bytes of memory that one CPU reads, compresses and writes in a second.
uint64_t bytes_in_a_second(const CompressionChoice& choice);

// At most how many bytes of memory a dump of this level holds, of a machine with `ram` bytes.
uint64_t kept_memory(int level, uint64_t ram);

// By the first dump level. Of the records those count that are of a whole dump with the same level and
// compression; the longest of them.
DumpTime expected_dump_time(const DumpSettings& dump, uint64_t ram, uint64_t page_size,
                            std::span<const StoredRecord> records);

}  // namespace lifeboat::arming
