// SPDX-License-Identifier: GPL-2.0-or-later
// bzImage: the x86 kernel file, described by its setup header (Documentation/arch/x86/boot.rst,
// struct setup_header in arch/x86/include/uapi/asm/bootparam.h).
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace lifeboat {

class BzImage {
 public:
  // `unsupported` names what the file is instead; `truncated` and `corrupt` what does not fit.
  static Result<BzImage> parse(ByteSpan bytes);

  uint16_t protocol = 0;         // 0x020f: 2.15
  std::string version;           // "6.1.0-56-amd64 (...) #1 SMP ..."; empty: the file does not tell
  bool relocatable = false;      // may be loaded anywhere
  bool entry_64 = false;         // XLF_KERNEL_64: a 64-bit entry point 0x200 behind the loaded kernel's start
  bool above_4g = false;         // XLF_CAN_BE_LOADED_ABOVE_4G: kernel, boot_params, command line, initrd
  bool five_level_aware = false;  // XLF_5LEVEL: can be entered with 5-level paging on
  uint32_t alignment = 0;        // kernel_alignment
  uint32_t command_line_size = 0;  // longest, without the NUL
  uint64_t preferred_address = 0;
  uint32_t init_size = 0;  // memory it needs, from where it is loaded, until it knows the machine's memory
  uint32_t setup_bytes = 0;      // boot sector and setup: the protected-mode kernel begins behind them
  uint64_t kernel_bytes = 0;     // of the protected-mode kernel

  // First word of the version string, as uname -r tells it.
  [[nodiscard]] std::string release() const;
  // Can it be entered after a crash, by the 64-bit way, wherever the reservation lies?
  [[nodiscard]] Result<> check_crash_capable() const;
};

// From a file; errors name it.
Result<BzImage> read_bzimage(const std::string& path);

}  // namespace lifeboat
