// SPDX-License-Identifier: GPL-2.0-or-later
// A unified kernel image built section by section, laid out as objcopy and ukify do: headers in front, each
// section's contents padded to the file alignment. Valid first; a test then makes one field a lie.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/bytes.h"

namespace lifeboat::test {

struct UkiSection {
  std::string name;
  std::vector<std::byte> bytes;
  std::optional<uint32_t> virtual_size = {};  // default: as many as there are bytes
  std::optional<uint32_t> raw_size = {};      // default: that, padded
  std::optional<uint32_t> raw_offset = {};    // default: where they lie
};

struct UkiFields {
  std::vector<UkiSection> sections;
  uint32_t pe_offset = 0x80;
  std::string signature = std::string("PE\0\0", 4);
  uint16_t magic = 0x20b;  // of the optional header: PE32+
  uint16_t optional_header_size = 0xf0;
  std::optional<uint16_t> section_count;  // default: as many as there are
  uint16_t machine = 0x8664;
  uint32_t certificate_bytes = 0;  // size of the attached signature in the header; none is there
};

UkiSection uki_section(std::string name, std::string_view text);
std::vector<std::byte> build_uki(const UkiFields& fields);
// An image as lanzaboote makes it: .linux and .initrd are paths, .linuxh and .initrdh digests of those files.
std::vector<UkiSection> linked_uki_sections(std::string_view kernel_path, ByteSpan kernel,
                                            std::string_view initramfs_path, ByteSpan initramfs);
// A kernel, an initramfs, a command line, os-release, the release.
std::vector<UkiSection> usual_uki_sections();

}  // namespace lifeboat::test
