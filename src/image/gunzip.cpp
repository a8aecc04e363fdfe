// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/gunzip.h"

#include <zlib.h>

#include <array>
#include <limits>
#include <memory>

#include "src/image/unpacked_size.h"

namespace lifeboat {
namespace {

constexpr size_t kChunk = 1 << 16;

bool begins_a_member(const z_stream& stream) {
  return stream.avail_in >= 2 && stream.next_in[0] == 0x1f && stream.next_in[1] == 0x8b;
}

}  // namespace

Result<std::vector<std::byte>> gunzip(ByteSpan packed, uint64_t limit) {
  if (packed.size() > std::numeric_limits<uInt>::max())
    return fail(ErrorCode::unsupported, "{} is too large to decompress", format_size(packed.size()));
  z_stream stream{};
  constexpr int kGzipOnly = 16;
  if (inflateInit2(&stream, MAX_WBITS + kGzipOnly) != Z_OK)
    return fail(ErrorCode::io, "cannot initialize zlib");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());

  std::vector<std::byte> bytes;
  std::array<std::byte, kChunk> chunk;
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = chunk.size();
    const int status = inflate(&stream, Z_NO_FLUSH);
    bytes.insert(bytes.end(), chunk.begin(), chunk.end() - static_cast<ptrdiff_t>(stream.avail_out));
    TRY_VOID(check_unpacked_size(packed.size() - stream.avail_in, bytes.size(), limit));
    if (status == Z_STREAM_END) {
      if (!begins_a_member(stream)) return bytes;
      inflateReset(&stream);
    } else if (status == Z_BUF_ERROR) {
      return fail(ErrorCode::corrupt, "the gzip data is truncated");
    } else if (status != Z_OK) {
      return fail(ErrorCode::corrupt, "the gzip data is damaged ({})",
                  stream.msg != nullptr ? stream.msg : "zlib");
    }
  }
}

}  // namespace lifeboat
