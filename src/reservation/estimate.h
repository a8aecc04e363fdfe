// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory must be reserved for a capture to succeed: a sum whose every part is told, with where it
// comes from. docs/reserve.md says how the constants were found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lifeboat::reservation {

// What a capture kernel told of its memory (src/store/crash_record.h).
struct MeasuredUse {
  uint64_t reserved = 0;  // bytes; all RAM that it was given
  uint64_t lowest = 0;    // bytes; the least MemAvailable
  bool real = false;      // a crash of this machine, with its own devices; else a rehearsal in a virtual one
  std::string source;     // the file that tells it
};

struct EstimateInput {
  uint64_t kernel_init_size = 0;    // BzImage::init_size
  uint64_t initramfs_packed = 0;    // bytes of the file
  uint64_t initramfs_unpacked = 0;  // bytes of the archive
  unsigned drivers = 0;             // of devices: modules with buffers of their own
  uint64_t elfcorehdr_size = 0;     // SystemState::elfcorehdr_size; 0: not told
  bool report = true;               // [capture] report
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
  // What the files alone take, loaded and unpacked: with less, do not expect a dump.
  uint64_t least = 0;
};

Estimate estimate_reservation(const EstimateInput& input);

}  // namespace lifeboat::reservation
