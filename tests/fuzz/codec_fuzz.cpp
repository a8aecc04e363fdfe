// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "src/dump/codec.h"

// The first byte chooses the codec, the page size and the level. The rest is decompressed as if it were
// packed, and packed as if it were a page.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  if (size == 0) return 0;
  const auto compression = static_cast<Compression>(data[0] % (static_cast<int>(Compression::zstd) + 1));
  constexpr size_t kPageSizes[] = {4096, 16384, 65536};
  const size_t page_size = kPageSizes[data[0] / 8 % std::size(kPageSizes)];
  const ByteSpan input(reinterpret_cast<const std::byte*>(data) + 1, size - 1);

  PageDecompressor decompressor;
  // Exactly a page on the heap: one byte beyond it is found by the sanitizer.
  std::vector<std::byte> out(page_size);
  (void)decompressor.decompress(compression, input, out);

  std::vector<std::byte> page(page_size);
  std::ranges::copy(input.first(std::min(input.size(), page.size())), page.begin());
  constexpr int kLevels[] = {0, 1, 9, -1, -50};
  int level = kLevels[data[0] / 24 % std::size(kLevels)];
  if (!levels_of(compression).contains(level)) level = 0;
  const auto compressor = PageCompressor::create(compression, level);
  const auto packed = (*compressor)->compress(page);
  if (!packed || packed->size() >= page_size) __builtin_trap();
  if (packed->empty()) return 0;
  if (!decompressor.decompress(compression, *packed, out) || out != page) __builtin_trap();
  return 0;
}
