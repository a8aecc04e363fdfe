// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/unbzip2.h"

#include <bzlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>

#include "src/image/unpacked_size.h"

namespace lifeboat {
namespace {

constexpr size_t kChunk = 1 << 16;

std::unexpected<Error> failure(int status) {
  if (status == BZ_MEM_ERROR) return std::unexpected(errno_error(ENOMEM, "cannot decompress it"));
  return fail(ErrorCode::corrupt, "the compressed data is damaged (libbz2: {})", status);
}

}  // namespace

Result<std::vector<std::byte>> unbzip2(ByteSpan packed, uint64_t limit) {
  std::vector<std::byte> bytes;
  std::array<std::byte, kChunk> chunk;
  ByteSpan rest = packed;
  do {
    bz_stream stream{};
    if (const int status = BZ2_bzDecompressInit(&stream, 0, 0); status != BZ_OK) return failure(status);
    const std::unique_ptr<bz_stream, decltype(&BZ2_bzDecompressEnd)> end(&stream, BZ2_bzDecompressEnd);
    for (int status = BZ_OK; status != BZ_STREAM_END;) {
      const auto given =
          static_cast<unsigned>(std::min<size_t>(rest.size(), std::numeric_limits<int>::max()));
      stream.next_in = reinterpret_cast<char*>(const_cast<std::byte*>(rest.data()));
      stream.avail_in = given;
      stream.next_out = reinterpret_cast<char*>(chunk.data());
      stream.avail_out = chunk.size();
      status = BZ2_bzDecompress(&stream);
      if (status != BZ_OK && status != BZ_STREAM_END) return failure(status);
      rest = rest.subspan(given - stream.avail_in);
      const size_t made = chunk.size() - stream.avail_out;
      bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + static_cast<ptrdiff_t>(made));
      TRY_VOID(check_unpacked_size(packed.size() - rest.size(), bytes.size(), limit));
      if (status == BZ_OK && rest.empty() && made < chunk.size())
        return fail(ErrorCode::corrupt, "the compressed data is truncated");
    }
  } while (as_text(rest).starts_with("BZh"));
  return bytes;
}

}  // namespace lifeboat
