// SPDX-License-Identifier: GPL-2.0-or-later
// The reservation of this machine: what was requested and what was reserved; and shrinking it.
#pragma once

#include "loader/system_state.h"
#include "src/reservation/crashkernel.h"

namespace lifeboat::reservation {

struct Reserved {
  CrashKernelRequest asked;     // on the running kernel's command line
  std::optional<uint64_t> ram;  // bytes; nullopt: not available to this caller
  // The size that the main parameter requests with that RAM; two values where kernels differ (crashkernel.h).
  std::optional<uint64_t> asked_size, asked_size_rounded;
  std::optional<uint64_t> got;         // bytes in all, without cma; nullopt: this kernel does not report it
  std::vector<MemoryRange> low, high;  // below and above 4 GiB; empty also when not available to this caller
  std::vector<MemoryRange> free;       // RAM less the running kernel's own image: where one could be reserved
  std::vector<MemoryRange> cma;        // crash_cma_ranges
  // Bytes of them; nullopt: crashkernel=,cma was requested, and this kernel does not show what it reserved.
  std::optional<uint64_t> cma_got;
  bool addresses_hidden = false;  // /proc/iomem shows zeros: the caller is not root
};

Reserved read_reserved(const SystemPaths& paths);
// Why less is reserved than crashkernel=,cma requests, or why that is not known; empty: it is all there, or
// none was requested.
std::string cma_shortage(const Reserved& reserved);

// Gives what is above `size` bytes back to the running kernel, until the next boot (kexec_crash_size). `busy`
// while a capture kernel is loaded; `usage` when no more than that is reserved. Returns the new size that
// the kernel reports.
Result<uint64_t> shrink_reservation(const SystemPaths& paths, uint64_t size);

}  // namespace lifeboat::reservation
