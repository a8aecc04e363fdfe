// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/decompress.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <optional>

#include "src/image/gunzip.h"
#include "src/image/unpacked_size.h"
#include "src/image/unwrap/unlzma.h"

namespace lifeboat {
namespace {

struct ArchiveDeleter {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, ArchiveDeleter>;

std::optional<int> filter_of(ImageKind kind) {
  switch (kind) {
    case ImageKind::bzip2:
      return ARCHIVE_FILTER_BZIP2;
    case ImageKind::zstd:
      return ARCHIVE_FILTER_ZSTD;
    // Both frames.
    case ImageKind::lz4:
    case ImageKind::lz4_frame:
      return ARCHIVE_FILTER_LZ4;
    default:
      return std::nullopt;
  }
}

std::unexpected<Error> damaged(archive* reader) {
  const char* why = archive_error_string(reader);
  return fail(ErrorCode::corrupt, "cannot decompress it: {}", why != nullptr ? why : "it is empty");
}

// Exactly one filter: libarchive would otherwise also decompress formats that it recognises inside.
Result<Reader> open_reader(int filter, ByteSpan packed) {
  Reader reader(archive_read_new());
  // Anything but OK, also ARCHIVE_WARN: libarchive would run another program for it.
  if (!reader || archive_read_support_format_raw(reader.get()) != ARCHIVE_OK ||
      archive_read_append_filter(reader.get(), filter) != ARCHIVE_OK) {
    return fail(ErrorCode::unsupported, "libarchive does not support this compression");
  }
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(reader.get(), packed.data(), packed.size()) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    return damaged(reader.get());
  }
  return reader;
}

Result<std::vector<std::byte>> decompress_by_archive(int filter, ByteSpan packed, uint64_t limit) {
  const Reader reader = TRY(open_reader(filter, packed));
  std::vector<std::byte> bytes;
  for (;;) {
    const void* data = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(reader.get(), &data, &size, &offset);
    if (status == ARCHIVE_EOF) return bytes;
    if (status != ARCHIVE_OK) return damaged(reader.get());
    constexpr int kOutermost = -1;
    const auto read = static_cast<uint64_t>(archive_filter_bytes(reader.get(), kOutermost));
    TRY_VOID(check_unpacked_size(read, bytes.size() + size, limit));
    const auto* first = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), first, first + size);
  }
}

}  // namespace

Result<std::vector<std::byte>> decompress(ImageKind kind, ByteSpan packed, uint64_t limit) {
  if (kind == ImageKind::gzip) return gunzip(packed, limit);
  if (kind == ImageKind::xz || kind == ImageKind::lzma) return unlzma(kind, packed, limit);
  const auto filter = filter_of(kind);
  if (!filter)
    return fail(ErrorCode::unsupported, "cannot decompress {}: not supported", image_kind_name(kind));
  return decompress_by_archive(*filter, packed, limit);
}

}  // namespace lifeboat
