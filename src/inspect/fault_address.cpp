// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/fault_address.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace lifeboat::inspect {
namespace {

// include/linux/err.h: MAX_ERRNO.
constexpr uint64_t kMaxErrno = 4095;

struct Pattern {
  uint8_t byte;
  std::string_view meaning;
};
constexpr std::array kPatterns = {
    Pattern{0x6b, "memory that had been freed (slab poison 0x6b): a use after free"},
    Pattern{0x5a, "memory that was never written (slab poison 0x5a)"},
    Pattern{0xbb, "the red zone of a slab object that is not in use"},
    Pattern{0xcc, "the red zone of a slab object, or memory of init code that had been freed (0xcc)"},
    Pattern{0xaa, "a page that had been freed (page poison 0xaa)"},
};

bool is_near(uint64_t address, uint64_t base, uint64_t bytes) {
  return address >= base && address - base < bytes;
}

// The CPU does not report all bits, and an offset was added to the pointer: the upper six bytes must agree.
std::string explain_pattern(uint64_t address) {
  for (const auto& pattern : kPatterns) {
    const uint64_t filled = uint64_t{0x0101010101010101} * pattern.byte;
    if (address >> 16 == filled >> 16) return fmt::format("the pointer was read from {}", pattern.meaning);
  }
  return {};
}

std::string explain_text(uint64_t address) {
  std::string text;
  for (unsigned index = 0; index < 8; ++index) {
    const char c = static_cast<char>(address >> index * 8 & 0xff);
    if (c < ' ' || c > '~') return {};
    text += c;
  }
  return fmt::format("the pointer is made of text, \"{}\": something was overwritten by a string", text);
}

}  // namespace

std::string explain_fault_address(const Architecture& architecture, PageSize page_size, uint64_t address) {
  const uint64_t poison = architecture.facts().illegal_pointer;
  if (address == 0) return "NULL itself";
  if (address < page_size.bytes())
    return fmt::format("NULL plus {0} ({0:#x}): a member at that offset of a structure at NULL", address);
  if (address < 0x10000)
    return fmt::format("NULL plus {:#x}: a far member, or an element of an array, at NULL", address);
  if (address > UINT64_MAX - kMaxErrno)
    return fmt::format("{}: an error code, or a small negative number, used as a pointer",
                       static_cast<int64_t>(address));
  // include/linux/poison.h.
  if (is_near(address, poison + 0x100, 0x22))
    return "LIST_POISON1 and an offset: the next pointer of a list node that had been deleted";
  if (is_near(address, poison + 0x122, 0x100))
    return "LIST_POISON2 and an offset: the previous pointer of a list node that had been deleted";
  if (address >> 48 == poison >> 48) return "a pointer that was poisoned on purpose";
  if (auto text = explain_pattern(address); !text.empty()) return text;
  if (auto text = explain_text(address); !text.empty()) return text;
  return std::string(architecture.explain_address(address));
}

}  // namespace lifeboat::inspect
