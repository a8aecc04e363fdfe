// SPDX-License-Identifier: GPL-2.0-or-later
// An x86 kernel as distributions ship it: the setup header of the Linux boot protocol
// (Documentation/arch/x86/boot.rst, arch/x86/boot/header.S) and where the parts of the file lie.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/image/image.h"

namespace lifeboat {

struct BzImage {
  // A part of the file; parse() has checked that it is inside.
  struct Part {
    uint64_t offset = 0;
    uint64_t size = 0;
  };

  // `file` is the whole file, `name` its name in messages. Fails for another format (the error names it) and
  // for a header that is inconsistent or does not fit the file's size.
  static Result<BzImage> parse(ByteSpan file, std::string_view name);

  uint16_t protocol = 0;  // 0x020f: 2.15
  std::string version;    // "6.12.117-amd64 (build@host) #1 SMP ..."; empty when the file has none
  uint32_t setup_sects = 0;
  Part setup;                   // boot sector and real-mode code
  Part kernel;                  // protected-mode code, loaded at or above pref_address
  std::optional<Part> payload;  // inside `kernel`: the compressed vmlinux
  ImageKind payload_kind = ImageKind::unknown;

  bool loaded_high = false;  // loadflags: the protected-mode code goes to 1 MiB and above
  bool relocatable = false;
  uint32_t kernel_alignment = 0;  // where it may be put, when relocatable
  uint64_t pref_address = 0;
  uint32_t init_size = 0;       // memory it needs from its load address on, until it has its own memory map
  uint32_t cmdline_size = 255;  // longest command line, without the NUL
  uint32_t initrd_addr_max = 0x37ffffff;
  uint32_t handover_offset = 0;  // EFI handover entry; 0: none

  bool entry_64 = false;         // xloadflags: XLF_KERNEL_64
  bool above_4g = false;         // XLF_CAN_BE_LOADED_ABOVE_4G: also its initramfs, command line, boot_params
  bool efi_handover_32 = false;  // XLF_EFI_HANDOVER_32
  bool efi_handover_64 = false;  // XLF_EFI_HANDOVER_64
  bool efi_kexec = false;        // XLF_EFI_KEXEC
  bool five_level = false;       // XLF_5LEVEL: may be entered with 5-level paging on

  // First word of `version`: the name of its folder in /lib/modules. Empty when the file has none.
  [[nodiscard]] std::string release() const;
  // Whether it can be entered at its 64-bit entry point by a kexec. The error gives the reason.
  [[nodiscard]] Result<> kexec_capable() const;
  // Whether it can also run from wherever the crash reservation lies.
  [[nodiscard]] Result<> crash_capable() const;
};

}  // namespace lifeboat
