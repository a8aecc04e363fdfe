// SPDX-License-Identifier: GPL-2.0-or-later
// What a page was used for, according to its `struct page`, by the keys of VMCOREINFO only. The kernel's
// encodings changed many times; each is recognised by the key or value that came with it, never by a version.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/vmcore/page_type.h"
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
  bool first_is_broken = false;  // that page must not be read, whatever the class is
  // The type of the page (page_type.h) if this program does not know it, else 0. Such pages are `kernel`.
  uint32_t unknown_type = 0;
  uint64_t pages = 1;
};
static_assert(sizeof(PageRun) == 16);  // it is returned in registers: once for each page of the machine

// One of PageClassifier::warnings(): the numbers of VMCOREINFO do not show which pages are free.
inline constexpr std::string_view kFreePagesUnknown = "free pages cannot be recognised and are kept";

class PageClassifier {
 public:
  // `not_found` names the first missing key that is needed to classify pages at all. Keys that are needed
  // only for some class are listed in warnings(): such pages are kept.
  static Result<PageClassifier> create(const Vmcoreinfo& info);

  // What the pages are used for. `structs` holds at least one struct page, that of `pfn`, and those of the
  // page frames behind it; the order of a compound page is read from the second, and taken as 0 when it is
  // not there. The run is not clipped. A page of it may be broken nevertheless: see is_poisoned(). The class
  // is `poisoned` only if the kernel marks the whole run by its first page.
  [[nodiscard]] PageRun classify(uint64_t pfn, ByteSpan structs) const;
  // Whether the page of this struct page is broken: a tail of a compound page may be, while its head is not.
  [[nodiscard]] bool is_poisoned(ByteSpan structs) const;
  // False: classify() calls them `kernel`.
  [[nodiscard]] bool recognises_free_pages() const { return types_.knows(PageTypes::Kind::free); }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  explicit PageClassifier(const Vmcoreinfo& info) : types_(info) {}
  Result<> read_layout(const Vmcoreinfo& info);
  Result<> read_flags(const Vmcoreinfo& info);
  void read_compound(const Vmcoreinfo& info);
  void note_what_is_unknown();

  // The fields of one struct page that matter.
  struct Fields;
  [[nodiscard]] Fields fields(ByteSpan page) const;
  [[nodiscard]] PageRun use_of(uint64_t pfn, const Fields& page, ByteSpan structs) const;
  [[nodiscard]] PageRun free_block(uint64_t pfn, const Fields& page) const;
  [[nodiscard]] PageRun unaccepted_block(uint64_t pfn) const;
  [[nodiscard]] PageRun untyped(const Fields& page, uint64_t pages, ByteSpan structs) const;
  [[nodiscard]] PageClass class_of_hugetlb(const Fields& page) const;
  [[nodiscard]] bool is_cache(const Fields& page) const;
  [[nodiscard]] bool is_anonymous(const Fields& page) const;
  [[nodiscard]] bool knows_slab() const;
  [[nodiscard]] bool knows_hugetlb() const;
  [[nodiscard]] std::optional<ByteSpan> first_tail(ByteSpan structs) const;
  [[nodiscard]] uint64_t compound_order(uint64_t pfn, ByteSpan structs) const;
  [[nodiscard]] bool is_hugetlb_by_tail(ByteSpan structs) const;

  uint64_t page_size_ = 0;  // of struct page
  // Byte offsets within struct page.
  uint64_t flags_ = 0, mapping_ = 0, mapcount_ = 0, private_data_ = 0, compound_head_ = 0;
  // Within the first tail page. Neither: the order is the low byte of that page's flags (6.6 and later).
  std::optional<uint64_t> order_, destructor_;
  std::optional<uint64_t> hugetlb_destructor_;
  uint64_t free_orders_ = 0;  // LENGTH(zone.free_area); 0: unknown
  // Masks of page->flags; 0 when VMCOREINFO does not have them.
  uint64_t lru_ = 0, private_ = 0, swapcache_ = 0, swapbacked_ = 0, slab_ = 0, poison_ = 0, head_ = 0,
           hugetlb_ = 0;
  PageTypes types_;
  std::vector<std::string> warnings_;
};

}  // namespace lifeboat
