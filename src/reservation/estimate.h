// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory must be reserved for a capture to succeed: a sum of parts, each with its source.
// docs/reserve.md describes how the constants were measured.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/reservation/bounce_buffers.h"
#include "src/reservation/driver_needs.h"

namespace lifeboat::reservation {

// The memory use that a capture kernel recorded (src/store/crash_record.h).
struct MeasuredUse {
  uint64_t reserved = 0;  // bytes; all RAM of the capture kernel
  uint64_t lowest = 0;    // bytes; the lowest MemAvailable
  unsigned cpus = 1;      // that the capture kernel used
  bool real = false;      // a crash of this machine, with its own devices; else a rehearsal in a virtual one
  std::string source;     // the file that records it
};

struct EstimateInput {
  uint64_t page_size = 0;           // of the capture kernel, bytes
  uint64_t section_size = 0;        // the memory that its mem_map describes at once (LoadArchitecture), bytes
  uint64_t kernel_memory = 0;       // NativeKernel::memory_size
  uint64_t initramfs_packed = 0;    // bytes of the file
  uint64_t initramfs_unpacked = 0;  // bytes of the archive
  std::vector<DriverUse> drivers;   // on the way to the targets
  BounceBuffers bounce_buffers;
  uint64_t cma = 0;              // bytes that the running kernel reserved besides, by crashkernel=,cma
  uint64_t elfcorehdr_size = 0;  // SystemState::elfcorehdr_size; 0: not known
  bool report = true;            // [capture] report
  unsigned cpus = 1;             // of the capture kernel
  std::vector<MeasuredUse> measured;
};

struct EstimatePart {
  std::string name;  // "kernel"
  uint64_t bytes = 0;
  std::string from;  // where the number comes from
};

struct Estimate {
  std::vector<EstimatePart> parts;  // they add up to `total`
  uint64_t total = 0;               // what to reserve
  // What the files alone need, loaded and unpacked: with less, a capture fails.
  uint64_t least = 0;
  unsigned cpus = 1;            // EstimateInput::cpus
  uint64_t bounce_buffers = 0;  // of `total`, below 4 GiB: with ,high in the ,low part
  // The same need in two parts. `alone` must be the capture kernel's only, because its files are loaded there
  // and it starts in it. crashkernel=,cma can provide the rest; 0: there is no rest.
  uint64_t alone = 0, cma = 0;
};

Estimate estimate_reservation(const EstimateInput& input);

// The largest number of CPUs, at most `wanted`, with which the estimate is no more than `memory` bytes. 1
// also where not even one fits: a capture kernel has one.
unsigned cpus_that_fit(EstimateInput input, uint64_t memory, unsigned wanted);

}  // namespace lifeboat::reservation
