// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/codec.h"

#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <vector>

namespace lifeboat {
namespace {

constexpr int kDefaultZstdLevel = 1;
constexpr int kMaxZstdLevel = 19;
constexpr int kDefaultZlibLevel = 1;
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
  explicit ZstdCompressor(int level) : context_(ZSTD_createCCtx(), ZSTD_freeCCtx), level_(level) {}
  [[nodiscard]] bool valid() const { return context_ != nullptr; }
  Result<ByteSpan> compress(ByteSpan page) override {
    const MutableByteSpan out = scratch_.for_page(page);
    // A destination smaller than the page: a result that does not fit is not used.
    const size_t size =
        ZSTD_compressCCtx(context_.get(), out.data(), page.size() - 1, page.data(), page.size(), level_);
    if (ZSTD_isError(size) != 0) return ByteSpan{};
    return ByteSpan(out).first(size);
  }

 private:
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
  int level_;
  Scratch scratch_;
};

class ZlibCompressor final : public PageCompressor {
 public:
  explicit ZlibCompressor(int level) { valid_ = deflateInit(&stream_, level) == Z_OK; }
  ZlibCompressor(const ZlibCompressor&) = delete;
  ZlibCompressor& operator=(const ZlibCompressor&) = delete;
  ~ZlibCompressor() override { deflateEnd(&stream_); }
  [[nodiscard]] bool valid() const { return valid_; }
  Result<ByteSpan> compress(ByteSpan page) override {
    const MutableByteSpan out = scratch_.for_page(page);
    // Reset, not initialised again for each page: that would allocate a quarter of a megabyte each time.
    deflateReset(&stream_);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(page.data()));
    stream_.avail_in = static_cast<uInt>(page.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(page.size() - 1);
    if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) return ByteSpan{};
    return ByteSpan(out).first(stream_.total_out);
  }

 private:
  z_stream stream_{};
  bool valid_ = false;
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

Result<int> level_within(std::string_view codec, int level, int fallback, int max_level) {
  if (level == 0) return fallback;
  if (level < 0 || level > max_level)
    return fail(ErrorCode::usage, "{} has levels from 1 to {}, not {}", codec, max_level, level);
  return level;
}

template <typename Compressor>
Result<std::unique_ptr<PageCompressor>> checked(std::unique_ptr<Compressor> compressor) {
  if (!compressor->valid()) return fail(ErrorCode::io, "no memory for the compressor");
  return compressor;
}

}  // namespace

Result<std::unique_ptr<PageCompressor>> PageCompressor::create(Compression compression, int level) {
  switch (compression) {
    case Compression::zstd:
      return checked(std::make_unique<ZstdCompressor>(
          TRY(level_within("zstd", level, kDefaultZstdLevel, kMaxZstdLevel))));
    case Compression::zlib:
      return checked(std::make_unique<ZlibCompressor>(
          TRY(level_within("zlib", level, kDefaultZlibLevel, kMaxZlibLevel))));
    case Compression::none:
    case Compression::lzo:
    case Compression::snappy:
      break;
  }
  if (level != 0)
    return fail(ErrorCode::usage, "{} has no compression levels", compression_name(compression));
  if (compression == Compression::lzo) {
    if (lzo_init() != LZO_E_OK) return fail(ErrorCode::io, "cannot initialize the lzo library");
    return std::make_unique<LzoCompressor>();
  }
  if (compression == Compression::snappy) return std::make_unique<SnappyCompressor>();
  return std::make_unique<NoCompressor>();
}

struct PageDecompressor::State {
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> zstd{ZSTD_createDCtx(), ZSTD_freeDCtx};

  // The number of bytes written to `out`, or nothing when the data is malformed or does not fit.
  std::optional<size_t> decompress(Compression compression, ByteSpan data, MutableByteSpan out);
};

std::optional<size_t> PageDecompressor::State::decompress(Compression compression, ByteSpan data,
                                                          MutableByteSpan out) {
  switch (compression) {
    case Compression::none:
      if (data.size() != out.size()) return std::nullopt;
      std::memcpy(out.data(), data.data(), data.size());
      return data.size();
    case Compression::zlib: {
      uLongf size = out.size();
      if (::uncompress(reinterpret_cast<Bytef*>(out.data()), &size,
                       reinterpret_cast<const Bytef*>(data.data()), data.size()) != Z_OK)
        return std::nullopt;
      return size;
    }
    case Compression::lzo: {
      lzo_uint size = out.size();
      // The _safe variant checks every copy: the data may be hostile.
      if (lzo1x_decompress_safe(reinterpret_cast<const unsigned char*>(data.data()), data.size(),
                                reinterpret_cast<unsigned char*>(out.data()), &size, nullptr) != LZO_E_OK)
        return std::nullopt;
      return size;
    }
    case Compression::snappy: {
      const auto* text = reinterpret_cast<const char*>(data.data());
      size_t size = 0;
      if (snappy_uncompressed_length(text, data.size(), &size) != SNAPPY_OK || size != out.size())
        return std::nullopt;
      if (snappy_uncompress(text, data.size(), reinterpret_cast<char*>(out.data()), &size) != SNAPPY_OK)
        return std::nullopt;
      return size;
    }
    case Compression::zstd: {
      const size_t size = ZSTD_decompressDCtx(zstd.get(), out.data(), out.size(), data.data(), data.size());
      if (ZSTD_isError(size) != 0) return std::nullopt;
      return size;
    }
  }
  return std::nullopt;
}

PageDecompressor::PageDecompressor() : state_(std::make_unique<State>()) {}
PageDecompressor::~PageDecompressor() = default;

Result<> PageDecompressor::decompress(Compression compression, ByteSpan data, MutableByteSpan out) {
  const auto size = state_->decompress(compression, data, out);
  if (!size) return fail(ErrorCode::corrupt, "cannot decompress {} data", compression_name(compression));
  if (*size != out.size())
    return fail(ErrorCode::corrupt, "{} data decompresses to {} bytes instead of {}",
                compression_name(compression), *size, out.size());
  return {};
}

}  // namespace lifeboat
