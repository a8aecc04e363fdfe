// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/compressors.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace lifeboat::test {
namespace {

void append(std::vector<std::byte>& to, ByteSpan bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// A block that is one run of literals (lz4_Block_format.md): a length of 15 goes on in bytes of 255 and a
// rest.
std::vector<std::byte> lz4_literals(ByteSpan bytes) {
  std::vector<std::byte> block;
  block.push_back(static_cast<std::byte>(std::min<size_t>(bytes.size(), 15) << 4));
  if (bytes.size() >= 15) {
    block.insert(block.end(), (bytes.size() - 15) / 255, std::byte{255});
    block.push_back(static_cast<std::byte>((bytes.size() - 15) % 255));
  }
  append(block, bytes);
  return block;
}

std::vector<std::byte> legacy_lz4(ByteSpan bytes) {
  constexpr size_t kBlock = 8 << 20;
  constexpr uint32_t kMagic = 0x184c2102;
  std::vector<std::byte> packed;
  append(packed, object_bytes(kMagic));
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), kBlock))) {
    const auto block = lz4_literals(bytes.first(std::min(bytes.size(), kBlock)));
    append(packed, object_bytes(static_cast<uint32_t>(block.size())));
    append(packed, block);
  }
  return packed;
}

int filter_of(ImageKind kind) {
  switch (kind) {
    case ImageKind::gzip:
      return ARCHIVE_FILTER_GZIP;
    case ImageKind::bzip2:
      return ARCHIVE_FILTER_BZIP2;
    case ImageKind::xz:
      return ARCHIVE_FILTER_XZ;
    case ImageKind::lzma:
      return ARCHIVE_FILTER_LZMA;
    case ImageKind::zstd:
      return ARCHIVE_FILTER_ZSTD;
    case ImageKind::lz4_frame:
      return ARCHIVE_FILTER_LZ4;
    default:
      std::abort();
  }
}

void must(int status) {
  if (status != ARCHIVE_OK) std::abort();
}

}  // namespace

std::vector<std::byte> compressed(ImageKind kind, ByteSpan bytes) {
  if (kind == ImageKind::lz4) return legacy_lz4(bytes);
  const std::unique_ptr<archive, decltype(&archive_write_free)> writer(archive_write_new(),
                                                                       archive_write_free);
  std::vector<std::byte> packed;
  must(archive_write_set_format_raw(writer.get()));
  must(archive_write_add_filter(writer.get(), filter_of(kind)));
  must(archive_write_set_bytes_per_block(writer.get(), 0));  // no padding behind the end
  const auto take = [](archive*, void* to, const void* data, size_t size) -> la_ssize_t {
    append(*static_cast<std::vector<std::byte>*>(to), {static_cast<const std::byte*>(data), size});
    return static_cast<la_ssize_t>(size);
  };
  must(archive_write_open(writer.get(), &packed, nullptr, take, nullptr));
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            archive_entry_free);
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  must(archive_write_header(writer.get(), entry.get()));
  if (archive_write_data(writer.get(), bytes.data(), bytes.size()) != static_cast<la_ssize_t>(bytes.size()))
    std::abort();
  must(archive_write_close(writer.get()));
  return packed;
}

}  // namespace lifeboat::test
