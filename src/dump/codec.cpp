// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/codec.h"

#include <libdeflate.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

namespace lifeboat {
namespace {

constexpr int kDefaultLevel = 1;  // of zlib and of zstd
constexpr int kMaxZstdLevel = 19;
constexpr int kMaxZlibLevel = 9;

// What a codec writes to. It grows to the size of the pages, once.
class Scratch {
 public:
  // Larger than a page: the codecs may write more than they were given before they notice.
  MutableByteSpan for_page(ByteSpan page) {
    const size_t size = page.size() + page.size() / 16 + 64 + 3;
    if (bytes_.size() < size) bytes_.resize(size);
    return bytes_;
  }

 private:
  std::vector<std::byte> bytes_;
};

class NoCompressor final : public PageCompressor {
 public:
  Result<ByteSpan> compress(ByteSpan) override { return ByteSpan{}; }
};

class ZstdCompressor final : public PageCompressor {
 public:
  static Result<std::unique_ptr<PageCompressor>> create(int level) {
    auto compressor = std::make_unique<ZstdCompressor>();
    if (compressor->context_ == nullptr)
      return std::unexpected(errno_error(ENOMEM, "no memory for the zstd compressor"));
    // Set once: they hold for every page. A frame without a checksum is what the library makes by itself.
    const size_t set = ZSTD_CCtx_setParameter(compressor->context_.get(), ZSTD_c_compressionLevel, level);
    if (ZSTD_isError(set) != 0)
      return fail(ErrorCode::unsupported, "zstd does not take the level {}: {}", level,
                  ZSTD_getErrorName(set));
    return compressor;
  }
  Result<ByteSpan> compress(ByteSpan page) override {
    const MutableByteSpan out = scratch_.for_page(page);
    // A destination smaller than the page: a result that does not fit is not used.
    const size_t size = ZSTD_compress2(context_.get(), out.data(), page.size() - 1, page.data(), page.size());
    if (ZSTD_isError(size) != 0) return ByteSpan{};
    return ByteSpan(out).first(size);
  }

 private:
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_{ZSTD_createCCtx(), ZSTD_freeCCtx};
  Scratch scratch_;
};

// Of libdeflate, whose levels are about as good as those of zlib. But its level 1 makes up to a percent more
// of a page than zlib's, and its level 2 less.
int deflate_level(int zlib_level) {
  return std::max(zlib_level, 2);
}

// By libdeflate, which has no streams: a page is compressed at once, in half the time that zlib takes
// (docs/compression.md), and every reader of zlib data reads it.
class ZlibCompressor final : public PageCompressor {
 public:
  static Result<std::unique_ptr<PageCompressor>> create(int level) {
    auto compressor = std::make_unique<ZlibCompressor>(level);
    if (compressor->compressor_ == nullptr)
      return std::unexpected(errno_error(ENOMEM, "no memory for the zlib compressor"));
    return compressor;
  }
  explicit ZlibCompressor(int level)
      : compressor_(libdeflate_alloc_compressor(deflate_level(level)), libdeflate_free_compressor) {}
  Result<ByteSpan> compress(ByteSpan page) override {
    const MutableByteSpan out = scratch_.for_page(page);
    // 0: it does not fit, as with zstd.
    const size_t size =
        libdeflate_zlib_compress(compressor_.get(), page.data(), page.size(), out.data(), page.size() - 1);
    return ByteSpan(out).first(size);
  }

 private:
  std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor_;
  Scratch scratch_;
};

class LzoCompressor final : public PageCompressor {
 public:
  Result<ByteSpan> compress(ByteSpan page) override {
    const MutableByteSpan out = scratch_.for_page(page);
    lzo_uint size = out.size();
    if (lzo1x_1_compress(reinterpret_cast<const unsigned char*>(page.data()), page.size(),
                         reinterpret_cast<unsigned char*>(out.data()), &size, work_.data()) != LZO_E_OK ||
        size >= page.size())
      return ByteSpan{};
    return ByteSpan(out).first(size);
  }

 private:
  Scratch scratch_;
  std::vector<std::byte> work_ = std::vector<std::byte>(LZO1X_1_MEM_COMPRESS);
};

class SnappyCompressor final : public PageCompressor {
 public:
  Result<ByteSpan> compress(ByteSpan page) override {
    out_.resize(snappy_max_compressed_length(page.size()));
    size_t size = out_.size();
    if (snappy_compress(reinterpret_cast<const char*>(page.data()), page.size(),
                        reinterpret_cast<char*>(out_.data()), &size) != SNAPPY_OK ||
        size >= page.size())
      return ByteSpan{};
    return ByteSpan(out_).first(size);
  }

 private:
  std::vector<std::byte> out_;
};

Result<int> level_or_default(Compression compression, int level) {
  const LevelRange levels = levels_of(compression);
  if (level == 0) return levels.any() ? kDefaultLevel : 0;
  if (levels.contains(level)) return level;
  return fail(ErrorCode::usage, "{} has {}, so not {}", compression_name(compression), levels.to_string(),
              level);
}

}  // namespace

std::string LevelRange::to_string() const {
  return any() ? fmt::format("levels from {} to {}", min, max) : "no compression levels";
}

LevelRange levels_of(Compression compression) {
  switch (compression) {
    case Compression::zlib:
      return {1, kMaxZlibLevel};
    case Compression::zstd:
      return {ZSTD_minCLevel(), kMaxZstdLevel};
    case Compression::none:
    case Compression::lzo:
    case Compression::snappy:
      break;
  }
  return {};
}

Result<std::unique_ptr<PageCompressor>> PageCompressor::create(Compression compression, int level) {
  level = TRY(level_or_default(compression, level));
  switch (compression) {
    case Compression::zstd:
      return ZstdCompressor::create(level);
    case Compression::zlib:
      return ZlibCompressor::create(level);
    case Compression::lzo:
      if (lzo_init() != LZO_E_OK) return fail(ErrorCode::io, "cannot initialize the lzo library");
      return std::make_unique<LzoCompressor>();
    case Compression::snappy:
      return std::make_unique<SnappyCompressor>();
    case Compression::none:
      break;
  }
  return std::make_unique<NoCompressor>();
}

Result<std::unique_ptr<PageCompressor>> PageCompressor::create(const CompressionChoice& choice) {
  if (choice.automatic)
    return fail(ErrorCode::usage, "no codec is chosen yet: 'auto' takes one by measuring");
  return create(choice.compression, choice.level);
}

// The libraries' states are made when the first page of their codec comes: most dumps have one codec.
struct PageDecompressor::State {
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> zstd{nullptr, ZSTD_freeDCtx};
  std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> zlib{
      nullptr, libdeflate_free_decompressor};

  // The number of bytes written to `out`, or nothing when the data is malformed or does not fit.
  Result<std::optional<size_t>> decompress(Compression compression, ByteSpan data, MutableByteSpan out);
  Result<std::optional<size_t>> decompress_zlib(ByteSpan data, MutableByteSpan out);
  Result<std::optional<size_t>> decompress_zstd(ByteSpan data, MutableByteSpan out);
};

Result<std::optional<size_t>> PageDecompressor::State::decompress_zlib(ByteSpan data, MutableByteSpan out) {
  if (zlib == nullptr) zlib.reset(libdeflate_alloc_decompressor());
  if (zlib == nullptr) return std::unexpected(errno_error(ENOMEM, "no memory for the zlib decompressor"));
  size_t size = 0;
  if (libdeflate_zlib_decompress(zlib.get(), data.data(), data.size(), out.data(), out.size(), &size) !=
      LIBDEFLATE_SUCCESS)
    return std::nullopt;
  return size;
}

Result<std::optional<size_t>> PageDecompressor::State::decompress_zstd(ByteSpan data, MutableByteSpan out) {
  if (zstd == nullptr) zstd.reset(ZSTD_createDCtx());
  if (zstd == nullptr) return std::unexpected(errno_error(ENOMEM, "no memory for the zstd decompressor"));
  const size_t size = ZSTD_decompressDCtx(zstd.get(), out.data(), out.size(), data.data(), data.size());
  if (ZSTD_isError(size) != 0) return std::nullopt;
  return size;
}

namespace {

std::optional<size_t> copy_raw(ByteSpan data, MutableByteSpan out) {
  if (data.size() != out.size()) return std::nullopt;
  std::memcpy(out.data(), data.data(), data.size());
  return data.size();
}

std::optional<size_t> decompress_lzo(ByteSpan data, MutableByteSpan out) {
  lzo_uint size = out.size();
  // The _safe variant checks every copy: the data may be hostile.
  if (lzo1x_decompress_safe(reinterpret_cast<const unsigned char*>(data.data()), data.size(),
                            reinterpret_cast<unsigned char*>(out.data()), &size, nullptr) != LZO_E_OK)
    return std::nullopt;
  return size;
}

std::optional<size_t> decompress_snappy(ByteSpan data, MutableByteSpan out) {
  const auto* text = reinterpret_cast<const char*>(data.data());
  size_t size = 0;
  if (snappy_uncompressed_length(text, data.size(), &size) != SNAPPY_OK || size != out.size())
    return std::nullopt;
  if (snappy_uncompress(text, data.size(), reinterpret_cast<char*>(out.data()), &size) != SNAPPY_OK)
    return std::nullopt;
  return size;
}

}  // namespace

Result<std::optional<size_t>> PageDecompressor::State::decompress(Compression compression, ByteSpan data,
                                                                  MutableByteSpan out) {
  switch (compression) {
    case Compression::none:
      return copy_raw(data, out);
    case Compression::zlib:
      return decompress_zlib(data, out);
    case Compression::lzo:
      return decompress_lzo(data, out);
    case Compression::snappy:
      return decompress_snappy(data, out);
    case Compression::zstd:
      return decompress_zstd(data, out);
  }
  return std::nullopt;
}

PageDecompressor::PageDecompressor() : state_(std::make_unique<State>()) {}
PageDecompressor::~PageDecompressor() = default;

Result<> PageDecompressor::decompress(Compression compression, ByteSpan data, MutableByteSpan out) {
  const auto size = TRY(state_->decompress(compression, data, out));
  if (!size) return fail(ErrorCode::corrupt, "cannot decompress {} data", compression_name(compression));
  if (*size != out.size())
    return fail(ErrorCode::corrupt, "{} data decompresses to {} bytes instead of {}",
                compression_name(compression), *size, out.size());
  return {};
}

}  // namespace lifeboat
