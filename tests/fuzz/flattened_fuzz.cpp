// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "src/dump/byte_source.h"
#include "src/dump/dump.h"

// Reading in one piece and in small ones must agree; then whatever lies inside is opened as a dump.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  const ByteSpan input(reinterpret_cast<const std::byte*>(data), size);
  const auto file = open_flattened(memory_byte_source(input, "fuzz"));
  if (!file) return 0;
  if ((*file)->stored_size() > size || (*file)->size() == 0) __builtin_trap();
  std::vector<std::byte> whole(std::min<uint64_t>((*file)->size(), 1 << 16)), parts(whole.size());
  if (!(*file)->read(0, whole)) __builtin_trap();
  for (size_t at = 0; at < parts.size(); at += 997) {
    if (!(*file)->read(at, MutableByteSpan(parts).subspan(at, std::min<size_t>(997, parts.size() - at))))
      __builtin_trap();
  }
  if (whole != parts) __builtin_trap();
  std::byte last{};
  if (!(*file)->read((*file)->size() - 1, {&last, 1}) || (*file)->read((*file)->size(), {&last, 1}))
    __builtin_trap();
  (void)Dump::open(memory_byte_source(input, "fuzz"));
  return 0;
}
