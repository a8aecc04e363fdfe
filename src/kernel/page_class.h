// SPDX-License-Identifier: GPL-2.0-or-later
// What a page was used for, told from its `struct page` by the keys of VMCOREINFO alone. The kernel's
// encodings changed many times; each is recognised by the key or value that came with it, never by a version.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "kernel/vmcoreinfo.h"

namespace lifeboat {

enum class PageClass : uint8_t {
  kernel,          // everything else: slab, page tables, stacks, text, what is not understood
  free,            // in the buddy allocator
  unaccepted,      // confidential guests: never touched
  cache,           // page cache without private data
  cache_private,   // page cache with private data (buffer heads)
  user,            // anonymous memory, hugetlb
  poisoned,        // PG_hwpoison: touching it can kill the capture kernel
  offline,         // ballooned or offline: the host may not back it
};
inline constexpr size_t kPageClasses = 8;
std::string_view page_class_name(PageClass page_class);

// The dump level bits, as makedumpfile -d numbers them.
enum DumpLevel : int {
  kLevelZero = 1,
  kLevelCache = 2,
  kLevelCachePrivate = 4,
  kLevelUser = 8,
  kLevelFree = 16,
  kLevelAll = 31,
};
// Whether `level` leaves pages of this class out. Poisoned and offline pages are left out at every level.
bool level_excludes(int level, PageClass page_class);

// A run of page frames of one class, starting with the page that was examined: a compound page or a
// buddy block counts as one.
struct PageRun {
  PageClass page_class = PageClass::kernel;
  uint64_t pages = 1;
};

class PageClassifier {
 public:
  // `not_found` names the first key without which no page can be told apart. Keys whose absence only makes some
  // class unrecognisable are listed in warnings(): such pages are kept.
  static Result<PageClassifier> create(const Vmcoreinfo& info);

  // `structs` holds consecutive struct pages, the first being that of `pfn`; the compound page's
  // order is read from the second. The run is not clipped to `structs`.
  [[nodiscard]] PageRun classify(uint64_t pfn, ByteSpan structs) const;
  [[nodiscard]] uint64_t page_struct_size() const { return page_struct_size_; }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  PageClassifier() = default;
  struct Layout {
    uint64_t flags = 0, refcount = 0, mapping = 0, lru = 0, mapcount = 0, private_data = 0;
    std::optional<uint64_t> compound_head;
    std::optional<uint64_t> compound_order, compound_dtor;  // byte offsets in the first tail page
    bool order_in_flags = false;                            // 6.6: low byte of page[1].flags
  };
  Layout layout_;
  uint64_t page_struct_size_ = 0;
  uint64_t max_order_blocks_ = 0;  // LENGTH(zone.free_area)
  // Masks of page->flags; 0 when the kernel does not tell.
  uint64_t lru_ = 0, private_ = 0, private_2_ = 0, swapcache_ = 0, swapbacked_ = 0, slab_ = 0, hwpoison_ = 0,
           head_ = 0, hugetlb_ = 0;
  std::optional<uint32_t> buddy_value_, offline_value_, slab_value_, hugetlb_value_, unaccepted_value_;
  std::optional<uint64_t> hugetlb_dtor_;
  std::vector<std::string> warnings_;
};

}  // namespace lifeboat
