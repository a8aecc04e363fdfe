// SPDX-License-Identifier: GPL-2.0-or-later
// Page contents that a test can distinguish.
#pragma once

#include <vector>

#include "src/base/bytes.h"
#include "src/base/page_size.h"

namespace lifeboat::test {

// Repeats itself, so every codec makes it smaller; each `seed` gives another page.
std::vector<std::byte> patterned_page(uint64_t seed, PageSize page_size = {});
// Noise that no codec makes smaller.
std::vector<std::byte> noise(uint64_t seed, size_t size);
// `count` patterned pages one behind the other, seeds counting up from `seed`.
std::vector<std::byte> patterned_pages(uint64_t seed, size_t count, PageSize page_size = {});

std::vector<std::byte> to_bytes(ByteSpan bytes);
std::vector<std::byte> to_bytes(std::string_view text);
void append(std::vector<std::byte>& to, ByteSpan bytes);

}  // namespace lifeboat::test
