// SPDX-License-Identifier: GPL-2.0-or-later
// Which of two versions is newer, by the rules of boot loaders: the UAPI group's Version Format Specification
// (UAPI.10), by which the Boot Loader Specification sorts.
#pragma once

#include <compare>
#include <string_view>

namespace lifeboat {

// greater: `a` is newer. "6.12.10-1" is newer than "6.12.9-1", "6.12~rc1" older than "6.12". What differs
// only in characters that separate (anything but letters, digits and ~ - ^ .) is equivalent.
std::strong_ordering compare_versions(std::string_view a, std::string_view b);

}  // namespace lifeboat
