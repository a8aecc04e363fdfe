// SPDX-License-Identifier: GPL-2.0-or-later
// Compression of single pages with the codecs of KDUMP. One object per thread: it owns the
// codec's working memory, allocated once for pages of one size.
#pragma once

#include <memory>

#include "src/dump/dump.h"
#include "src/dump/levels.h"

namespace lifeboat {

// The compression levels of a codec. 0 is not one of them: it stands for the codec's default.
struct LevelRange {
  int min = 0, max = 0;  // both 0: the codec has no levels

  [[nodiscard]] bool any() const { return max != 0; }
  [[nodiscard]] bool contains(int level) const { return level != 0 && level >= min && level <= max; }
  // "levels from 1 to 9", "no compression levels".
  [[nodiscard]] std::string to_string() const;
};
// zlib: 1 to 9. zstd: 1 to 19, and the negative ones that the library has: faster, and less compressed.
LevelRange levels_of(Compression compression);

class PageCompressor {
 public:
  virtual ~PageCompressor() = default;
  // Level 0: the default of the codec (zstd 1, zlib 1). A level that the codec does not have is a `usage`
  // error.
  static Result<std::unique_ptr<PageCompressor>> create(Compression compression, int level = 0);
  // The same. An automatic choice is a `usage` error: somebody has to measure first, and must not be given
  // some codec instead.
  static Result<std::unique_ptr<PageCompressor>> create(const CompressionChoice& choice);

  // The compressed bytes, valid until the next call. Empty when they would not be smaller than the page
  // itself: store it as it is. `page` is one page.
  virtual Result<ByteSpan> compress(ByteSpan page) = 0;
};

class PageDecompressor {
 public:
  PageDecompressor();
  ~PageDecompressor();
  PageDecompressor(const PageDecompressor&) = delete;
  PageDecompressor& operator=(const PageDecompressor&) = delete;

  // Decompresses to exactly out.size() bytes; `corrupt` when the data is malformed or gives any other size.
  Result<> decompress(Compression compression, ByteSpan data, MutableByteSpan out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lifeboat
