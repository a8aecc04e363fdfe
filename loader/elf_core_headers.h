// SPDX-License-Identifier: GPL-2.0-or-later
// The ELF core headers (elfcorehdr), from which the capture kernel makes /proc/vmcore (fs/proc/vmcore.c).
// They describe the memory of the running kernel and the notes that it writes when it crashes.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "loader/machine.h"
#include "src/base/error.h"

namespace lifeboat {

// Memory that is saved aside before the capture kernel uses it, and where the copy lies.
struct MemoryCopy {
  MemoryRange range;
  uint64_t address = 0;
};

struct CoreSegment {
  enum class Kind { note, memory } kind = Kind::memory;
  uint64_t virtual_address = 0;
  uint64_t physical = 0;
  uint64_t offset = 0;  // where the capture kernel finds the bytes: differs from `physical` for a copy
  uint64_t size = 0;
};

// What of the crashed kernel's memory the capture kernel uses besides its reservation.
struct UsedMemory {
  std::vector<MemoryRange> lost;   // left out of the headers
  std::optional<MemoryCopy> copy;  // redirected to the copy
};

// A note for each CPU and VMCOREINFO; the kernel's text; every range of System RAM less the crash
// reservation and `used`. `not_found` when the running kernel has no notes: it cannot be dumped then.
Result<std::vector<CoreSegment>> core_segments(const Machine& machine, const UsedMemory& used);

// The headers as bytes, for this program's architecture. `unsupported` for more segments than ELF counts.
Result<std::vector<std::byte>> build_core_headers(const std::vector<CoreSegment>& segments);

}  // namespace lifeboat
