// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/uki_builder.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "src/base/sha256.h"
#include "tests/support/bzimage_builder.h"

namespace lifeboat::test {
namespace {

constexpr uint64_t kFileAlignment = 512;

// Writes what fits, so that a test may ask for an offset outside of the file.
void put_bytes(std::vector<std::byte>& file, size_t offset, ByteSpan bytes) {
  if (offset >= file.size()) return;
  std::memcpy(file.data() + offset, bytes.data(), std::min(bytes.size(), file.size() - offset));
}

template <typename T>
void put(std::vector<std::byte>& file, size_t offset, const T& value) {
  put_bytes(file, offset, object_bytes(value));
}

std::vector<std::byte> digest_of(ByteSpan bytes) {
  Sha256 sha;
  sha.update(bytes.data(), bytes.size());
  uint8_t digest[Sha256::kDigestBytes];
  sha.finish(digest);
  const auto span = std::as_bytes(std::span(digest));
  return {span.begin(), span.end()};
}

}  // namespace

UkiSection uki_section(std::string name, std::string_view text) {
  const ByteSpan bytes = as_byte_span(text);
  return {std::move(name), {bytes.begin(), bytes.end()}};
}

std::vector<std::byte> build_uki(const UkiFields& fields) {
  constexpr size_t kSectionHeader = 40;
  const size_t optional = fields.pe_offset + size_t{24};
  const size_t table = optional + fields.optional_header_size;
  std::vector<std::byte> file(align_up(0x1000 + fields.sections.size() * kSectionHeader, kFileAlignment));
  put_bytes(file, 0, as_byte_span("MZ"));
  put(file, 0x3c, fields.pe_offset);
  put_bytes(file, fields.pe_offset, as_byte_span(fields.signature));
  put(file, fields.pe_offset + size_t{4}, fields.machine);
  put(file, fields.pe_offset + size_t{6},
      fields.section_count.value_or(static_cast<uint16_t>(fields.sections.size())));
  put(file, fields.pe_offset + size_t{20}, fields.optional_header_size);
  put(file, optional, fields.magic);
  put(file, optional + 108, uint32_t{16});  // data directories
  put(file, optional + 148, fields.certificate_bytes);
  for (size_t index = 0; index < fields.sections.size(); ++index) {
    const auto& section = fields.sections[index];
    const auto size = static_cast<uint32_t>(section.bytes.size());
    const auto padded = static_cast<uint32_t>(align_up(size, kFileAlignment));
    const size_t header = table + index * kSectionHeader;
    put_bytes(file, header, as_byte_span(section.name));
    put(file, header + 8, section.virtual_size.value_or(size));
    put(file, header + 16, section.raw_size.value_or(padded));
    put(file, header + 20, section.raw_offset.value_or(static_cast<uint32_t>(file.size())));
    file.insert(file.end(), section.bytes.begin(), section.bytes.end());
    file.resize(align_up(file.size(), kFileAlignment));
  }
  return file;
}

std::vector<UkiSection> linked_uki_sections(std::string_view kernel_path, ByteSpan kernel,
                                            std::string_view initramfs_path, ByteSpan initramfs) {
  return {uki_section(".osrel", "ID=nixos\nPRETTY_NAME=\"NixOS\"\nVERSION_ID=\"Generation 294\"\n"),
          uki_section(".cmdline", "init=/nix/store/x/init"),
          uki_section(".initrd", initramfs_path),
          uki_section(".linux", kernel_path),
          {.name = ".initrdh", .bytes = digest_of(initramfs)},
          {.name = ".linuxh", .bytes = digest_of(kernel)}};
}

std::vector<UkiSection> usual_uki_sections() {
  return {uki_section(".text", "code of the stub"),      uki_section(".osrel", "ID=test\nVERSION_ID=1\n"),
          uki_section(".cmdline", "root=/dev/vda rw\n"), uki_section(".uname", "6.12.1-test"),
          uki_section(".initrd", "070701 an initramfs"), {".linux", build_bzimage()}};
}

}  // namespace lifeboat::test
