// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/compress.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <memory>

#include "capture/initramfs/branch_filter.h"

namespace lifeboat {
namespace {

constexpr int kWindowLog = 20;

std::unexpected<Error> failure(std::string_view format, std::string_view reason) {
  return std::unexpected(
      Error(ErrorCode::io, fmt::format("cannot compress the initramfs with {}: {}", format, reason))
          .hint("free memory, and try again"));
}

Result<std::vector<std::byte>> compress_zstd(ByteSpan archive) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, 19);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, kWindowLog);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::vector<std::byte> out(ZSTD_compressBound(archive.size()));
  const size_t size = ZSTD_compress2(context.get(), out.data(), out.size(), archive.data(), archive.size());
  if (ZSTD_isError(size) != 0) return failure("zstd", ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

// The kernel's decoder supports only the check CRC32 (lib/xz, Documentation/staging/xz.rst).
Result<std::vector<std::byte>> compress_xz(ByteSpan archive) {
  lzma_options_lzma options;
  if (lzma_lzma_preset(&options, 9 | LZMA_PRESET_EXTREME))
    return fail(ErrorCode::io, "initramfs: xz has no preset 9");
  options.dict_size = 1u << kWindowLog;
  std::vector<lzma_filter> filters;
  if (const uint64_t branch = xz_branch_filter(); branch != LZMA_VLI_UNKNOWN)
    filters.push_back({branch, nullptr});
  filters.push_back({LZMA_FILTER_LZMA2, &options});
  filters.push_back({LZMA_VLI_UNKNOWN, nullptr});
  std::vector<std::byte> out(lzma_stream_buffer_bound(archive.size()));
  size_t size = 0;
  const lzma_ret result = lzma_stream_buffer_encode(
      filters.data(), LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const uint8_t*>(archive.data()),
      archive.size(), reinterpret_cast<uint8_t*>(out.data()), &size, out.size());
  if (result != LZMA_OK) return failure("xz", fmt::format("liblzma error {}", static_cast<int>(result)));
  out.resize(size);
  return out;
}

Result<std::vector<std::byte>> compress_gzip(ByteSpan archive) {
  z_stream stream{};
  constexpr int kGzipHeader =
      16;  // added to the window bits; the header zlib makes carries no time and no name
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzipHeader, 9, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    return failure("gzip", "cannot set up zlib");
  std::vector<std::byte> out(deflateBound(&stream, archive.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(archive.data()));
  stream.avail_in = static_cast<uInt>(archive.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) return failure("gzip", fmt::format("zlib error {}", result));
  return out;
}

}  // namespace

Result<std::vector<std::byte>> compress_initramfs(ByteSpan archive, InitramfsCompression compression) {
  switch (compression) {
    case InitramfsCompression::none:
      return std::vector<std::byte>(archive.begin(), archive.end());
    case InitramfsCompression::gzip:
      return compress_gzip(archive);
    case InitramfsCompression::xz:
      return compress_xz(archive);
    case InitramfsCompression::zstd:
      return compress_zstd(archive);
  }
  return fail(ErrorCode::usage, "initramfs: unknown compression");
}

InitramfsCompression choose_initramfs_compression(const KernelConfig& config) {
  if (config.builtin("CONFIG_RD_ZSTD")) return InitramfsCompression::zstd;
  if (config.builtin("CONFIG_RD_XZ")) return InitramfsCompression::xz;
  if (config.builtin("CONFIG_RD_GZIP")) return InitramfsCompression::gzip;
  return InitramfsCompression::none;
}

std::string_view initramfs_compression_name(InitramfsCompression compression) {
  switch (compression) {
    case InitramfsCompression::none:
      return "none";
    case InitramfsCompression::gzip:
      return "gzip";
    case InitramfsCompression::xz:
      return "xz";
    case InitramfsCompression::zstd:
      return "zstd";
  }
  return "none";
}

}  // namespace lifeboat
