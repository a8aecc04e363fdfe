// SPDX-License-Identifier: GPL-2.0-or-later
// Bounds-checked views of untrusted bytes. All parsing goes through slice() and load():
// the overflow test is written on the trusted side (size - offset), never as offset + length.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "src/base/error.h"

namespace lifeboat {

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;

// The `length` bytes at `offset`, or `truncated`. `what` names the thing in the message.
inline Result<ByteSpan> slice(ByteSpan bytes, uint64_t offset, uint64_t length, std::string_view what) {
  if (offset > bytes.size() || length > bytes.size() - offset) {
    return fail(ErrorCode::truncated, "{}: {} bytes at offset {} do not fit in {} bytes", what, length,
                offset, bytes.size());
  }
  return bytes.subspan(offset, length);
}

// A little-endian integer (or a trivially copyable struct of such) at `offset`. Every architecture that
// lifeboat runs on or reads dumps of is little-endian; big-endian formats use load_be.
template <typename T>
  requires std::is_trivially_copyable_v<T>
Result<T> load(ByteSpan bytes, uint64_t offset, std::string_view what) {
  static_assert(std::endian::native == std::endian::little);
  const ByteSpan part = TRY(slice(bytes, offset, sizeof(T), what));
  T value;
  std::memcpy(&value, part.data(), sizeof(T));
  return value;
}

template <typename T>
  requires std::is_integral_v<T>
constexpr T swap_bytes(T value) {
  return std::byteswap(value);
}

template <typename T>
  requires std::is_integral_v<T>
Result<T> load_be(ByteSpan bytes, uint64_t offset, std::string_view what) {
  return swap_bytes(TRY(load<T>(bytes, offset, what)));
}

inline ByteSpan as_byte_span(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The text up to the first NUL, or all of it: fixed-size character fields.
inline std::string_view text_until_nul(ByteSpan bytes) {
  const std::string_view text = as_text(bytes);
  return text.substr(0, text.find('\0'));
}

template <typename T>
  requires std::is_trivially_copyable_v<T>
ByteSpan object_bytes(const T& object) {
  return std::as_bytes(std::span(&object, 1));
}

// Rounding to a power of two.
constexpr uint64_t align_down(uint64_t value, uint64_t alignment) {
  return value & ~(alignment - 1);
}
constexpr uint64_t align_up(uint64_t value, uint64_t alignment) {
  return align_down(value + (alignment - 1), alignment);
}
constexpr uint64_t divide_up(uint64_t value, uint64_t divisor) {
  return value / divisor + (value % divisor != 0 ? 1 : 0);
}

}  // namespace lifeboat
