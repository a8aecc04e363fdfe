// SPDX-License-Identifier: GPL-2.0-or-later
// Limits for the values in a dump, whatever program wrote it: without them, time and memory would depend on
// unchecked headers. The readers and the writer share them, so that every written file can be read.
#pragma once

#include "src/base/size.h"
#include "src/dump/dump.h"

namespace lifeboat {

// The widest physical address of any processor that Linux runs on has 52 bits.
inline constexpr uint64_t kMaxPhysical = uint64_t{1} << 52;
constexpr uint64_t max_pages(PageSize page_size) {
  return page_size.frame(kMaxPhysical);
}

// No machine's memory consists of so many pieces.
inline constexpr size_t kMaxRanges = size_t{1} << 20;

// The largest CONFIG_NR_CPUS that any architecture allows.
inline constexpr int kMaxCpus = 8192;

// One NT_PRSTATUS (some 400 bytes) for each of so many CPUs is 4 MiB, QEMU's own notes as much again. The
// rest is for the dumps of devices (NT_VMCOREDD): a driver puts up to 32 MiB there for each of its adapters.
inline constexpr uint64_t kMaxNoteBytes = 128_MiB;

// The kernel gives VMCOREINFO one page, of at most 64 KiB.
inline constexpr uint64_t kMaxVmcoreinfoBytes = 1_MiB;

}  // namespace lifeboat
