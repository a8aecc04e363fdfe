// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/page_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

#include "capture/engine/wide_hash.h"

namespace lifeboat {
namespace {

uint64_t usual_hash(ByteSpan page) {
  return XXH3_64bits(page.data(), page.size());
}

}  // namespace

PageHash usual_page_hash() {
  return usual_hash;
}

PageHash page_hash() {
  const PageHash wide = wide_page_hash();
  return wide != nullptr ? wide : usual_hash;
}

bool is_zero_page(ByteSpan page) {
  // A page is zero when its first word is, and it equals itself moved by one word: memcmp() is the C
  // library's, which chooses its vector instructions when the program starts.
  uint64_t first;
  std::memcpy(&first, page.data(), sizeof first);
  return first == 0 && std::memcmp(page.data(), page.data() + sizeof first, page.size() - sizeof first) == 0;
}

}  // namespace lifeboat
