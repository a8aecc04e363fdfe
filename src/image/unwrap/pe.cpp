// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/pe.h"

#include <algorithm>

namespace lifeboat {
namespace {

using namespace std::literals;

constexpr uint64_t kPeOffsetField = 0x3c;  // e_lfanew of the DOS header
constexpr uint16_t kPe32Plus = 0x20b;
// In the optional header: how many data directories follow, and the size of the fifth, the attached
// certificates.
constexpr uint64_t kDirectoryCount = 108;
constexpr uint64_t kCertificateSize = 148;
constexpr uint32_t kCertificateDirectory = 4;

struct CoffHeader {
  char signature[4];
  uint16_t machine;
  uint16_t section_count;
  uint32_t time;
  uint32_t symbols_offset;
  uint32_t symbol_count;
  uint16_t optional_header_size;
  uint16_t characteristics;
};
static_assert(sizeof(CoffHeader) == 24);

struct SectionHeader {
  char name[8];
  uint32_t virtual_size;
  uint32_t virtual_address;
  uint32_t raw_size;
  uint32_t raw_offset;
  uint32_t others[4];
};
static_assert(sizeof(SectionHeader) == 40);

PeSection section_of(const SectionHeader& header) {
  return {std::string(text_until_nul(object_bytes(header.name))), header.virtual_size, header.raw_size,
          header.raw_offset};
}

bool has_certificates(ByteSpan file, uint64_t optional_offset, uint16_t optional_size) {
  const auto header = slice(file, optional_offset, optional_size, "optional PE header");
  if (!header) return false;
  const auto count = load<uint32_t>(*header, kDirectoryCount, "data directories");
  const auto size = load<uint32_t>(*header, kCertificateSize, "certificates");
  return count && *count > kCertificateDirectory && size && *size != 0;
}

}  // namespace

Result<ByteSpan> PeSection::content(ByteSpan file) const {
  return slice(file, raw_offset, std::min(virtual_size, raw_size), "section " + name);
}

Result<PeFile> read_pe(ByteSpan file) {
  const uint64_t pe_offset = TRY(load<uint32_t>(file, kPeOffsetField, "DOS header"));
  const auto header = TRY(load<CoffHeader>(file, pe_offset, "PE header"));
  if (std::string_view(header.signature, sizeof(header.signature)) != "PE\0\0"sv)
    return fail(ErrorCode::corrupt, "it has no PE header");
  const uint64_t optional_offset = pe_offset + sizeof(CoffHeader);
  if (header.optional_header_size < sizeof(kPe32Plus))
    return fail(ErrorCode::corrupt, "its optional PE header is missing");
  const auto magic = TRY(load<uint16_t>(file, optional_offset, "optional PE header"));
  if (magic != kPe32Plus)
    return fail(ErrorCode::unsupported, "it is not a 64-bit EFI program (PE format {:#x})", magic);

  const ByteSpan table =
      TRY(slice(file, optional_offset + header.optional_header_size,
                uint64_t{header.section_count} * sizeof(SectionHeader), "table of PE sections"));
  PeFile pe{.machine = header.machine,
            .has_signature = has_certificates(file, optional_offset, header.optional_header_size),
            .sections = {}};
  for (uint64_t offset = 0; offset < table.size(); offset += sizeof(SectionHeader))
    pe.sections.push_back(section_of(TRY(load<SectionHeader>(table, offset, "PE section"))));
  return pe;
}

}  // namespace lifeboat
