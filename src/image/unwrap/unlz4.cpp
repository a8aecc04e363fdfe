// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/unlz4.h"

#include <lz4.h>
#include <lz4frame.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "src/image/unpacked_size.h"

namespace lifeboat {
namespace {

constexpr uint32_t kFrameMagic = 0x184d2204;
constexpr uint32_t kLegacyMagic = 0x184c2102;
// 16 magics of frames to be skipped.
constexpr uint32_t kSkippedMagic = 0x184d2a50;
constexpr uint32_t kSkippedMask = 0xfffffff0;
// A legacy block becomes this much, the last one less.
constexpr int kLegacyBlock = 8 << 20;

class Lz4 {
 public:
  Lz4(ByteSpan packed, uint64_t limit) : packed_(packed), rest_(packed), limit_(limit) {}

  Result<std::vector<std::byte>> decompress() {
    for (;;) {
      const auto magic = next_word();
      if (magic == kLegacyMagic) {
        rest_ = rest_.subspan(sizeof kLegacyMagic);
        TRY_VOID(legacy_frame());
      } else if (magic && (*magic == kFrameMagic || (*magic & kSkippedMask) == kSkippedMagic)) {
        TRY_VOID(frame());
      } else {
        return std::move(bytes_);
      }
    }
  }

 private:
  [[nodiscard]] std::optional<uint32_t> next_word() const {
    const auto word = load<uint32_t>(rest_, 0, "lz4 frame");
    return word ? std::optional(*word) : std::nullopt;
  }

  Result<> frame() {
    if (!context_) {
      LZ4F_dctx* made = nullptr;
      if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION)) != 0)
        return std::unexpected(errno_error(ENOMEM, "cannot decompress it"));
      context_.reset(made);
    }
    make_room(1 << 16);
    for (;;) {
      size_t read = rest_.size(), made = chunk_.size();
      const size_t status =
          LZ4F_decompress(context_.get(), chunk_.data(), &made, rest_.data(), &read, nullptr);
      if (LZ4F_isError(status) != 0)
        return fail(ErrorCode::corrupt, "the compressed data is damaged (liblz4: {})",
                    LZ4F_getErrorName(status));
      rest_ = rest_.subspan(read);
      TRY_VOID(take(made));
      if (status == 0) return {};
      if (read == 0 && made == 0) return truncated();
    }
  }

  // Blocks behind their sizes, until there is no more, or something that is no size.
  Result<> legacy_frame() {
    while (const auto size = next_word()) {
      if (*size == 0 || *size > static_cast<uint32_t>(LZ4_COMPRESSBOUND(kLegacyBlock))) return {};
      const ByteSpan behind = rest_.subspan(sizeof *size);
      // The kernel's build appends the unpacked size, which looks like a block's.
      if (behind.empty() && !bytes_.empty()) return {};
      if (behind.size() < *size) return truncated();
      make_room(kLegacyBlock);
      const int made =
          LZ4_decompress_safe(reinterpret_cast<const char*>(behind.data()),
                              reinterpret_cast<char*>(chunk_.data()), static_cast<int>(*size), kLegacyBlock);
      if (made < 0) return fail(ErrorCode::corrupt, "the compressed data is damaged (liblz4: {})", made);
      rest_ = behind.subspan(*size);
      TRY_VOID(take(static_cast<size_t>(made)));
    }
    return {};
  }

  // Never less than before: frames of both formats in turn would cost a buffer each.
  void make_room(size_t size) { chunk_.resize(std::max(chunk_.size(), size)); }

  Result<> take(size_t made) {
    bytes_.insert(bytes_.end(), chunk_.begin(), chunk_.begin() + static_cast<ptrdiff_t>(made));
    return check_unpacked_size(packed_.size() - rest_.size(), bytes_.size(), limit_);
  }

  static std::unexpected<Error> truncated() {
    return fail(ErrorCode::corrupt, "the compressed data is truncated");
  }

  ByteSpan packed_, rest_;
  uint64_t limit_;
  std::vector<std::byte> bytes_, chunk_;
  // One for all frames: it keeps its buffers.
  std::unique_ptr<LZ4F_dctx, decltype(&LZ4F_freeDecompressionContext)> context_{
      nullptr, LZ4F_freeDecompressionContext};
};

}  // namespace

Result<std::vector<std::byte>> unlz4(ByteSpan packed, uint64_t limit) {
  return Lz4(packed, limit).decompress();
}

}  // namespace lifeboat
