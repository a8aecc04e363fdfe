// SPDX-License-Identifier: GPL-2.0-or-later
// Compression of single pages with the codecs of KDUMP. One object per thread: it owns the
// codec's working memory, allocated once for pages of one size.
#pragma once

#include <memory>

#include "src/dump/dump.h"

namespace lifeboat {

class PageCompressor {
 public:
  virtual ~PageCompressor() = default;
  // Level 0: the default of the codec (zstd 1, zlib 1). Only zstd (1..19) and zlib (1..9) have levels;
  // another number is a `usage` error.
  static Result<std::unique_ptr<PageCompressor>> create(Compression compression, int level = 0);

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
