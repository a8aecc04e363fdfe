// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/unzstd.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <array>
#include <cerrno>
#include <memory>

#include "src/image/unpacked_size.h"

namespace lifeboat {
namespace {

constexpr size_t kChunk = 1 << 16;
constexpr int kLargestWindow = 27;  // log2 of bytes

std::unexpected<Error> failure(size_t status) {
  switch (ZSTD_getErrorCode(status)) {
    case ZSTD_error_memory_allocation:
      return std::unexpected(errno_error(ENOMEM, "cannot decompress it"));
    case ZSTD_error_frameParameter_windowTooLarge:
      return fail(ErrorCode::unsupported, "decompressing it needs more than {}",
                  format_size(uint64_t{1} << kLargestWindow));
    default:
      return fail(ErrorCode::corrupt, "the compressed data is damaged (libzstd: {})",
                  ZSTD_getErrorName(status));
  }
}

}  // namespace

Result<std::vector<std::byte>> unzstd(ByteSpan packed, uint64_t limit) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return std::unexpected(errno_error(ENOMEM, "cannot decompress it"));
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kLargestWindow);
  std::vector<std::byte> bytes;
  std::array<std::byte, kChunk> chunk;
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    const size_t status = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(status) != 0) return failure(status);
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + static_cast<ptrdiff_t>(out.pos));
    TRY_VOID(check_unpacked_size(in.pos, bytes.size(), limit));
    if (in.pos < in.size) continue;
    if (status == 0) return bytes;  // a frame ends here
    if (out.pos < out.size) return fail(ErrorCode::corrupt, "the compressed data is truncated");
  }
}

}  // namespace lifeboat
