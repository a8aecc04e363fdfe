// SPDX-License-Identifier: GPL-2.0-or-later
// A small bzImage, built field by field: valid as it stands, so that a test spoils one field and sees what it
// says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/bytes.h"

namespace lifeboat::test {

// Named as in Documentation/arch/x86/boot.rst.
struct BzImageFields {
  uint8_t setup_sects = 4;
  std::optional<uint32_t> syssize;  // in paragraphs of 16 bytes; default: as many as there are
  uint16_t boot_flag = 0xaa55;
  uint8_t jump_length = 0x6a;  // the header ends at 0x202 + this
  std::string header = "HdrS";
  uint16_t version = 0x020f;
  uint16_t kernel_version = 0x100;  // less 0x200: where `version_text` is put
  uint8_t loadflags = 0x01;
  uint32_t initrd_addr_max = 0x7fffffff;
  uint32_t kernel_alignment = 0x200000;
  uint8_t relocatable_kernel = 1;
  uint16_t xloadflags = 0x7f;
  uint32_t cmdline_size = 2047;
  uint32_t payload_offset = 0x40;
  uint32_t payload_length = 0x80;
  uint64_t pref_address = 0x1000000;
  uint32_t init_size = 0x100000;
  uint32_t handover_offset = 0x190;

  std::string version_text = "6.12.1-test (builder@host) #1 SMP";
  std::string payload = "\x28\xb5\x2f\xfd";  // the magic of zstd
  uint32_t code_bytes = 4096;                // protected-mode code
};

std::vector<std::byte> build_bzimage(const BzImageFields& fields = {});

}  // namespace lifeboat::test
