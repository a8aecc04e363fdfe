// SPDX-License-Identifier: GPL-2.0-or-later
// The code between two kernels. The old kernel jumps into it (64-bit mode, identity-mapped, no interrupts);
// it checks that the loaded parts are unchanged, copies the low memory if requested, and enters the new
// kernel. On a mismatch it prints a message on the serial port and on VGA text, and resets the machine: it
// never loops for ever.
//
// It is built freestanding and position-independent, linked to a flat binary, and carried inside the loader.
#pragma once

#include <cstdint>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat::x86_64 {

struct PurgatoryRegion {
  uint64_t address = 0;  // physical
  uint64_t size = 0;     // bytes
};

struct PurgatoryArguments {
  uint64_t kernel_entry = 0;              // 64-bit entry point of the new kernel
  uint64_t boot_params = 0;               // physical; handed over in RSI
  std::vector<PurgatoryRegion> digested;  // at most 16; empty: nothing is checked
  std::vector<std::byte>
      digest;  // SHA-256 over the regions in their order; 32 bytes, or empty when nothing is
  // Copied after the check and before the jump: low memory that the capture kernel will use. Size 0: none.
  uint64_t copy_from = 0, copy_to = 0, copy_size = 0;
  uint16_t serial_port = 0x3f8;  // I/O address of the UART on which a mismatch is reported; 0: none
};

// Alignment of the image; it may be anywhere in memory, above 4 GiB too.
inline constexpr uint64_t kPurgatoryAlignment = 4096;
// Bytes that purgatory needs in memory, its stack and zeroed data included: the size of its segment, whole
// pages.
uint64_t purgatory_size();
// The image with its arguments filled in. The entry point is its first byte. `usage` for arguments that do
// not fit.
Result<std::vector<std::byte>> make_purgatory(const PurgatoryArguments& arguments);

}  // namespace lifeboat::x86_64
