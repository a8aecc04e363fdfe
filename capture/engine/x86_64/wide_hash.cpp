// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/wide_hash.h"

#if defined(__x86_64__)
// Before the instructions are allowed: what is defined in these headers may be used by processors that do
// not have them, because the linker keeps one copy of an inline function.
#include <immintrin.h>

#include <climits>
#include <cstdlib>
#include <cstring>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define XXH_INLINE_ALL  // all of it static
#define XXH_VECTOR XXH_AVX2
#include <xxhash.h>

namespace lifeboat {
namespace {

uint64_t hash_by_avx2(const void* data, size_t size) {
  return XXH3_64bits(data, size);
}

}  // namespace
}  // namespace lifeboat
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace lifeboat {

PageHash wide_page_hash() {
  if (__builtin_cpu_supports("avx2") == 0) return nullptr;
  return [](ByteSpan page) { return hash_by_avx2(page.data(), page.size()); };
}

}  // namespace lifeboat
#else
namespace lifeboat {

PageHash wide_page_hash() {
  return nullptr;
}

}  // namespace lifeboat
#endif
