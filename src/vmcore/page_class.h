// SPDX-License-Identifier: GPL-2.0-or-later
// What a page was used for, according to its `struct page`, by the keys of VMCOREINFO only. The kernel's
// encodings changed many times; each is recognised by the key or value that came with it, never by a version.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/vmcore/vmcoreinfo.h"

namespace lifeboat {

enum class PageClass : uint8_t {
  kernel,         // everything else: slab, page tables, stacks, text, unknown use
  free,           // in the buddy allocator
  unaccepted,     // confidential guests: never touched
  cache,          // page cache without private data
  cache_private,  // page cache with private data (buffer heads)
  user,           // anonymous memory, hugetlb
  poisoned,       // PG_hwpoison: reading it can crash the capture kernel
  offline,        // ballooned or offline: the host may have no memory for it
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
  // `not_found` names the first missing key that is needed to classify pages at all. Keys that are needed
  // only for some class are listed in warnings(): such pages are kept.
  static Result<PageClassifier> create(const Vmcoreinfo& info);

  // `structs` holds at least one struct page, that of `pfn`, and those of the page frames behind it; the
  // order of a compound page is read from the second, and taken as 0 when it is not there. The run is not
  // clipped.
  [[nodiscard]] PageRun classify(uint64_t pfn, ByteSpan structs) const;
  // Whether the page of this struct page is broken: a tail of a compound page may be, while its head is not.
  [[nodiscard]] bool is_poisoned(ByteSpan structs) const;
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  PageClassifier() = default;
  Result<> read_layout(const Vmcoreinfo& info);
  Result<> read_flags(const Vmcoreinfo& info);
  void read_compound(const Vmcoreinfo& info);
  void read_types(const Vmcoreinfo& info);

  // The fields of one struct page that matter.
  struct Fields;
  [[nodiscard]] Fields fields(ByteSpan page) const;
  [[nodiscard]] bool is_slab(const Fields& page) const;
  [[nodiscard]] bool is_cache(const Fields& page) const;
  [[nodiscard]] uint64_t compound_order(uint64_t pfn, ByteSpan structs) const;
  [[nodiscard]] bool is_hugetlb(const Fields& page, ByteSpan structs) const;

  uint64_t page_size_ = 0;  // of struct page
  // Byte offsets within struct page.
  uint64_t flags_ = 0, mapping_ = 0, mapcount_ = 0, private_data_ = 0;
  std::optional<uint64_t> compound_head_;
  // Within the first tail page. Neither: the order is the low byte of that page's flags (6.6 and later).
  std::optional<uint64_t> order_, destructor_;
  std::optional<uint64_t> hugetlb_destructor_;
  uint64_t free_orders_ = 0;  // LENGTH(zone.free_area); 0: unknown
  // Masks of page->flags; 0 when VMCOREINFO does not have them.
  uint64_t lru_ = 0, private_ = 0, swapcache_ = 0, swapbacked_ = 0, slab_ = 0, poison_ = 0, head_ = 0,
           hugetlb_ = 0;
  // Values of page->_mapcount (page_type).
  std::optional<uint32_t> buddy_type_, offline_type_, slab_type_, hugetlb_type_, unaccepted_type_;
  std::vector<std::string> warnings_;
};

}  // namespace lifeboat
