// SPDX-License-Identifier: GPL-2.0-or-later
// The type of a page that is not mapped into user space: the kernel writes it into the word that counts the
// mappings of other pages (page->_mapcount, page->page_type; include/linux/page-flags.h). VMCOREINFO has the
// numbers of those types that decide whether a page is needed. Which numbers the others have follows from the
// number of free pages, since the encoding changed three times.
#pragma once

#include <cstdint>
#include <optional>

#include "src/vmcore/vmcoreinfo.h"

namespace lifeboat {

class PageTypes {
 public:
  enum class Kind : uint8_t {
    none,        // the word counts mappings
    free,        // the first page of a block of the buddy allocator
    unaccepted,  // the first page of a block that a confidential guest has not accepted
    offline,     // ballooned or logically offline
    hugetlb,     // 6.9 and later
    slab,        // 6.10 and later
    kernel,      // page tables, guard pages, zsmalloc, large kmalloc
    unknown,     // a type that this program does not know
  };

  explicit PageTypes(const Vmcoreinfo& info);

  [[nodiscard]] Kind kind(uint32_t word) const;
  // Whether VMCOREINFO has the number of `kind`. Without it such pages are `unknown` (or `kernel`).
  [[nodiscard]] bool knows(Kind kind) const { return value_of(kind).has_value(); }
  // The type in a word, without the bits that the owner of the page uses for something else.
  [[nodiscard]] uint32_t type_in(uint32_t word) const;

 private:
  // How a type is written into the word.
  enum class Encoding : uint8_t {
    // A cleared bit, counted from bit 7 on: 4.18 to 6.10.
    low_bits,
    // A cleared bit, counted from bit 30 downwards; the lower 16 bits are the owner's: 6.11 (8db00ad56461).
    high_bits,
    // A number in the upper 8 bits; the lower 24 are the owner's: 6.12 and later (4ffca5a96678).
    numbers,
    unknown
  };
  [[nodiscard]] const std::optional<uint32_t>& value_of(Kind kind) const;
  [[nodiscard]] bool is_kernels(uint32_t word) const;

  Encoding encoding_ = Encoding::unknown;
  std::optional<uint32_t> free_, unaccepted_, offline_, hugetlb_, slab_;
};

}  // namespace lifeboat
