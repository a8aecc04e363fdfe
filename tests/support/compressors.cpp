// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/compressors.h"

#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace lifeboat::test {
namespace {

using Bytes = std::vector<std::byte>;

void append(Bytes& to, ByteSpan bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void must(bool condition) {
  if (!condition) std::abort();
}

// More than any of them makes of incompressible bytes.
Bytes room_for(ByteSpan bytes) {
  return Bytes(bytes.size() + bytes.size() / 16 + 4096);
}

// A block that is one run of literals (lz4_Block_format.md): a length of 15 goes on in bytes of 255 and a
// rest.
Bytes lz4_literals(ByteSpan bytes) {
  Bytes block;
  block.push_back(static_cast<std::byte>(std::min<size_t>(bytes.size(), 15) << 4));
  if (bytes.size() >= 15) {
    block.insert(block.end(), (bytes.size() - 15) / 255, std::byte{255});
    block.push_back(static_cast<std::byte>((bytes.size() - 15) % 255));
  }
  append(block, bytes);
  return block;
}

Bytes legacy_lz4(ByteSpan bytes) {
  constexpr size_t kBlock = 8 << 20;
  constexpr uint32_t kMagic = 0x184c2102;
  Bytes packed;
  append(packed, object_bytes(kMagic));
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), kBlock))) {
    const auto block = lz4_literals(bytes.first(std::min(bytes.size(), kBlock)));
    append(packed, object_bytes(static_cast<uint32_t>(block.size())));
    append(packed, block);
  }
  return packed;
}

Bytes lz4_frame(ByteSpan bytes) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  Bytes packed(LZ4F_compressFrameBound(bytes.size(), &preferences));
  const size_t size =
      LZ4F_compressFrame(packed.data(), packed.size(), bytes.data(), bytes.size(), &preferences);
  must(LZ4F_isError(size) == 0);
  packed.resize(size);
  return packed;
}

Bytes gzip(ByteSpan bytes) {
  z_stream stream{};
  constexpr int kGzip = 16, kMemory = 8;
  must(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzip, kMemory,
                    Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes packed = room_for(bytes);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  must(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

Bytes bzip2(ByteSpan bytes) {
  Bytes packed = room_for(bytes);
  auto size = static_cast<unsigned>(packed.size());
  char nothing = 0;  // libbz2 takes no null pointer, not even for no bytes
  auto* from = bytes.empty() ? &nothing : reinterpret_cast<char*>(const_cast<std::byte*>(bytes.data()));
  must(BZ2_bzBuffToBuffCompress(reinterpret_cast<char*>(packed.data()), &size, from,
                                static_cast<unsigned>(bytes.size()), 9, 0, 0) == BZ_OK);
  packed.resize(size);
  return packed;
}

// xz with a CRC64, as the tool writes it; lzma has no checksum.
Bytes by_liblzma(ImageKind kind, ByteSpan bytes) {
  lzma_options_lzma options;
  must(!lzma_lzma_preset(&options, LZMA_PRESET_DEFAULT));
  lzma_stream stream = LZMA_STREAM_INIT;
  must((kind == ImageKind::xz ? lzma_easy_encoder(&stream, LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64)
                              : lzma_alone_encoder(&stream, &options)) == LZMA_OK);
  Bytes packed = room_for(bytes);
  stream.next_in = reinterpret_cast<const uint8_t*>(bytes.data());
  stream.avail_in = bytes.size();
  stream.next_out = reinterpret_cast<uint8_t*>(packed.data());
  stream.avail_out = packed.size();
  must(lzma_code(&stream, LZMA_FINISH) == LZMA_STREAM_END);
  packed.resize(stream.total_out);
  lzma_end(&stream);
  return packed;
}

Bytes zstd(ByteSpan bytes) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  must(ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1)) == 0);
  Bytes packed(ZSTD_compressBound(bytes.size()));
  const size_t size = ZSTD_compress2(context.get(), packed.data(), packed.size(), bytes.data(), bytes.size());
  must(ZSTD_isError(size) == 0);
  packed.resize(size);
  return packed;
}

}  // namespace

std::vector<std::byte> compressed(ImageKind kind, ByteSpan bytes) {
  switch (kind) {
    case ImageKind::gzip:
      return gzip(bytes);
    case ImageKind::bzip2:
      return bzip2(bytes);
    case ImageKind::xz:
    case ImageKind::lzma:
      return by_liblzma(kind, bytes);
    case ImageKind::zstd:
      return zstd(bytes);
    case ImageKind::lz4_frame:
      return lz4_frame(bytes);
    case ImageKind::lz4:
      return legacy_lz4(bytes);
    default:
      std::abort();
  }
}

}  // namespace lifeboat::test
