// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/pages.h"

#include <cstring>
#include <random>

namespace lifeboat::test {

std::vector<std::byte> patterned_page(uint64_t seed, PageSize page_size) {
  std::vector<std::byte> page(page_size.bytes());
  for (size_t at = 0; at < page.size(); at += sizeof(uint64_t)) {
    const uint64_t word = (seed + 1) << 8 | (at / sizeof(uint64_t) % 16);
    std::memcpy(page.data() + at, &word, sizeof word);
  }
  return page;
}

std::vector<std::byte> patterned_pages(uint64_t seed, size_t count, PageSize page_size) {
  std::vector<std::byte> pages;
  for (size_t index = 0; index < count; ++index) append(pages, patterned_page(seed + index, page_size));
  return pages;
}

std::vector<std::byte> noise(uint64_t seed, size_t size) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

std::vector<std::byte> to_bytes(ByteSpan bytes) {
  return {bytes.begin(), bytes.end()};
}
std::vector<std::byte> to_bytes(std::string_view text) {
  return to_bytes(as_byte_span(text));
}
void append(std::vector<std::byte>& to, ByteSpan bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace lifeboat::test
