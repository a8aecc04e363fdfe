// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/unlzma.h"

#include <lzma.h>

#include <array>
#include <cerrno>
#include <memory>

#include "src/image/unpacked_size.h"

namespace lifeboat {
namespace {

constexpr size_t kChunk = 1 << 16;
// The kernel's build uses dictionaries of at most 128 MiB (scripts/xz_wrap.sh); -9 of the tools, 64 MiB.
constexpr uint64_t kLargestMemory = 256_MiB;

std::unexpected<Error> failure(lzma_ret status) {
  switch (status) {
    case LZMA_MEMLIMIT_ERROR:
      return fail(ErrorCode::unsupported, "decompressing it needs more than {}", format_size(kLargestMemory));
    case LZMA_MEM_ERROR:
      return std::unexpected(errno_error(ENOMEM, "cannot decompress it"));
    case LZMA_BUF_ERROR:
      return fail(ErrorCode::corrupt, "the compressed data is truncated");
    default:
      return fail(ErrorCode::corrupt, "the compressed data is damaged (liblzma: {})",
                  static_cast<int>(status));
  }
}

}  // namespace

Result<std::vector<std::byte>> unlzma(ImageKind kind, ByteSpan packed, uint64_t limit) {
  lzma_stream stream = LZMA_STREAM_INIT;
  const std::unique_ptr<lzma_stream, decltype(&lzma_end)> end(&stream, lzma_end);
  lzma_ret status = kind == ImageKind::xz ? lzma_stream_decoder(&stream, kLargestMemory, LZMA_CONCATENATED)
                                          : lzma_alone_decoder(&stream, kLargestMemory);
  if (status != LZMA_OK) return failure(status);
  stream.next_in = reinterpret_cast<const uint8_t*>(packed.data());
  stream.avail_in = packed.size();

  std::vector<std::byte> bytes;
  std::array<std::byte, kChunk> chunk;
  while (status == LZMA_OK) {
    stream.next_out = reinterpret_cast<uint8_t*>(chunk.data());
    stream.avail_out = chunk.size();
    status = lzma_code(&stream, LZMA_FINISH);
    bytes.insert(bytes.end(), chunk.begin(), chunk.end() - static_cast<ptrdiff_t>(stream.avail_out));
    TRY_VOID(check_unpacked_size(stream.total_in, bytes.size(), limit));
  }
  if (status != LZMA_STREAM_END) return failure(status);
  return bytes;
}

}  // namespace lifeboat
