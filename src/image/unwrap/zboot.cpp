// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/zboot.h"

#include <algorithm>
#include <array>

namespace lifeboat {
namespace {

struct Header {
  char dos_magic[4];
  char type[4];  // "zimg"
  uint32_t payload_offset;
  uint32_t payload_size;
  uint32_t reserved[2];
  char compression[32];
};
static_assert(sizeof(Header) == 0x38);

struct Compression {
  std::string_view name;
  ImageKind kind;
};
// As the kernel's build names them: after the rule that made the payload.
constexpr std::array kCompressions{
    Compression{"gzip", ImageKind::gzip},   Compression{"lz4", ImageKind::lz4},
    Compression{"lzma", ImageKind::lzma},   Compression{"lzo", ImageKind::lzop},
    Compression{"xzkern", ImageKind::xz},   Compression{"xz", ImageKind::xz},
    Compression{"zstd22", ImageKind::zstd}, Compression{"zstd", ImageKind::zstd},
};

bool is_plain(std::string_view name) {
  return std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

Result<ZbootPayload> read_zboot(ByteSpan file) {
  const auto header = TRY(load<Header>(file, 0, "zboot header"));
  const std::string_view name = text_until_nul(object_bytes(header.compression));
  const auto found = std::ranges::find(kCompressions, name, &Compression::name);
  if (found == kCompressions.end()) {
    return fail(ErrorCode::unsupported, "its compression '{}' is unknown",
                is_plain(name) ? name : "unprintable");
  }
  const ByteSpan payload = TRY(slice(file, header.payload_offset, header.payload_size, "zboot payload"));
  const ImageKind kind = identify_image(payload.first(std::min(payload.size(), kIdentifyBytes)));
  if (kind != found->kind)
    return fail(ErrorCode::corrupt, "its header names {}, but its payload is {}", name,
                image_kind_name(kind));
  return ZbootPayload{kind, payload};
}

}  // namespace lifeboat
