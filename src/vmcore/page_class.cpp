// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/page_class.h"

#include <cstring>

#include "src/base/size.h"

namespace lifeboat {
namespace {

constexpr uint64_t kTailBit = 1;        // of compound_head: this is a tail page
constexpr uint64_t kAnonymousBit = 1;   // PAGE_MAPPING_ANON of mapping
constexpr uint64_t kMaxOrder = 30;      // 4 TiB or more: beyond any huge page
constexpr uint64_t kMaxStruct = 4_KiB;  // bytes of struct page

uint64_t load64(ByteSpan page, uint64_t offset) {
  uint64_t value;
  std::memcpy(&value, page.data() + offset, sizeof value);
  return value;
}
uint32_t load32(ByteSpan page, uint64_t offset) {
  uint32_t value;
  std::memcpy(&value, page.data() + offset, sizeof value);
  return value;
}

bool is_aligned(uint64_t pfn, uint64_t order) {
  return (pfn & ((uint64_t{1} << order) - 1)) == 0;
}

// A bit number of page->flags as a mask; 0 when the key is not there or senseless.
uint64_t flag_mask(const Vmcoreinfo& info, std::string_view name) {
  const auto bit = info.number(name);
  return bit && *bit >= 0 && *bit < 64 ? uint64_t{1} << *bit : 0;
}

}  // namespace

std::string_view page_class_name(PageClass page_class) {
  switch (page_class) {
    case PageClass::kernel:
      return "kernel";
    case PageClass::free:
      return "free";
    case PageClass::unaccepted:
      return "unaccepted";
    case PageClass::cache:
      return "cache";
    case PageClass::cache_private:
      return "cache_private";
    case PageClass::user:
      return "user";
    case PageClass::poisoned:
      return "poisoned";
    case PageClass::offline:
      return "offline";
  }
  return "kernel";
}

bool level_excludes(int level, PageClass page_class) {
  switch (page_class) {
    case PageClass::kernel:
      return false;
    case PageClass::free:
    case PageClass::unaccepted:
      return (level & kLevelFree) != 0;
    // Level 4 means "all cache": it includes the pages of level 2.
    case PageClass::cache:
      return (level & (kLevelCache | kLevelCachePrivate)) != 0;
    case PageClass::cache_private:
      return (level & kLevelCachePrivate) != 0;
    case PageClass::user:
      return (level & kLevelUser) != 0;
    case PageClass::poisoned:
    case PageClass::offline:
      return true;
  }
  return false;
}

struct PageClassifier::Fields {
  uint64_t flags, mapping, private_data;
  uint32_t mapcount;
};

Result<PageClassifier> PageClassifier::create(const Vmcoreinfo& info) {
  PageClassifier classifier(info);
  TRY_VOID(classifier.read_layout(info));
  TRY_VOID(classifier.read_flags(info));
  classifier.read_compound(info);
  classifier.note_what_is_unknown();
  return classifier;
}

Result<> PageClassifier::read_layout(const Vmcoreinfo& info) {
  page_size_ = TRY(info.require_size("page"));
  flags_ = TRY(info.require_offset("page.flags"));
  mapping_ = TRY(info.require_offset("page.mapping"));
  mapcount_ = TRY(info.require_offset("page._mapcount"));
  private_data_ = TRY(info.require_offset("page.private"));
  // Renamed in 7.1, where it also has the size of the compound page; the meaning of bit 0 is unchanged.
  auto compound_head = info.offset("page.compound_head");
  if (!compound_head) compound_head = info.offset("page.compound_info");
  if (!compound_head) return fail(ErrorCode::not_found, "VMCOREINFO has no OFFSET(page.compound_head)");
  compound_head_ = *compound_head;
  for (const uint64_t offset : {flags_, mapping_, mapcount_, private_data_, compound_head_}) {
    if (page_size_ < sizeof(uint64_t) || page_size_ > kMaxStruct || offset > page_size_ - sizeof(uint64_t)) {
      return fail(ErrorCode::corrupt, "VMCOREINFO: a member at {} of a struct page of {} bytes", offset,
                  page_size_);
    }
  }
  return {};
}

Result<> PageClassifier::read_flags(const Vmcoreinfo& info) {
  lru_ = flag_mask(info, "PG_lru");
  if (lru_ == 0) return fail(ErrorCode::not_found, "VMCOREINFO has no NUMBER(PG_lru)");
  private_ = flag_mask(info, "PG_private");
  if (private_ == 0) return fail(ErrorCode::not_found, "VMCOREINFO has no NUMBER(PG_private)");
  swapcache_ = flag_mask(info, "PG_swapcache");
  swapbacked_ = flag_mask(info, "PG_swapbacked");
  slab_ = flag_mask(info, "PG_slab");
  // Only kernels with CONFIG_MEMORY_FAILURE have it, and only they mark such pages.
  poison_ = flag_mask(info, "PG_hwpoison");
  // This one is exported as a mask already.
  head_ = static_cast<uint64_t>(info.number("PG_head_mask").value_or(0));
  return {};
}

void PageClassifier::read_compound(const Vmcoreinfo& info) {
  // Up to 6.2 these are members of struct page; in 6.3 (1c5509be58f6, 379708ffde1b) of struct folio, which
  // spans the head and the tails, so that the offset counts from the head. From 6.6 (ebc1baf5c9b4) neither is
  // exported.
  const auto in_tail = [&](std::optional<uint64_t> page_offset, std::optional<uint64_t> folio_offset) {
    if (!page_offset && folio_offset && *folio_offset >= page_size_) page_offset = *folio_offset - page_size_;
    return page_offset && *page_offset < page_size_ ? page_offset : std::nullopt;
  };
  order_ = in_tail(info.offset("page.compound_order"), info.offset("folio._folio_order"));
  destructor_ = in_tail(info.offset("page.compound_dtor"), info.offset("folio._folio_dtor"));
  if (const auto number = info.number("HUGETLB_PAGE_DTOR"))
    hugetlb_destructor_ = static_cast<uint64_t>(*number);
  // 6.6 to 6.8: a flag of the first tail page.
  hugetlb_ = flag_mask(info, "PG_hugetlb");
  if (const auto orders = info.length("zone.free_area")) free_orders_ = *orders;
}

void PageClassifier::note_what_is_unknown() {
  if (head_ == 0) warnings_.emplace_back("compound pages cannot be recognised; their tails are kept");
  if (!recognises_free_pages()) warnings_.emplace_back(kFreePagesUnknown);
  if (!knows_slab()) warnings_.emplace_back("slab pages cannot be recognised: user pages are kept");
}

bool PageClassifier::knows_slab() const {
  return slab_ != 0 || types_.knows(PageTypes::Kind::slab);
}

bool PageClassifier::knows_hugetlb() const {
  return types_.knows(PageTypes::Kind::hugetlb) || hugetlb_ != 0 || (destructor_ && hugetlb_destructor_);
}

PageClassifier::Fields PageClassifier::fields(ByteSpan page) const {
  return {load64(page, flags_), load64(page, mapping_), load64(page, private_data_), load32(page, mapcount_)};
}

bool PageClassifier::is_cache(const Fields& page) const {
  if ((page.flags & lru_) != 0) return true;
  // PG_swapcache shares its bit with PG_owner_priv_1 and means this only together with PG_swapbacked.
  return (page.flags & swapcache_) != 0 && (page.flags & swapbacked_) != 0;
}

bool PageClassifier::is_anonymous(const Fields& page) const {
  // Without knowing slab pages, their list pointers could be taken for an anonymous mapping.
  return (page.mapping & kAnonymousBit) != 0 && knows_slab();
}

// A head is followed by a tail. If it is not, its flag is stale, or it is the last struct page at hand.
std::optional<ByteSpan> PageClassifier::first_tail(ByteSpan structs) const {
  if (structs.size() < 2 * page_size_) return std::nullopt;
  const ByteSpan tail = structs.subspan(page_size_, page_size_);
  return (load64(tail, compound_head_) & kTailBit) != 0 ? std::optional(tail) : std::nullopt;
}

uint64_t PageClassifier::compound_order(uint64_t pfn, ByteSpan structs) const {
  const auto tail = first_tail(structs);
  if (!tail) return 0;
  const uint64_t order = order_ ? static_cast<uint64_t>((*tail)[*order_]) : load64(*tail, flags_) & 0xff;
  // A head that is not aligned to its size is not a head: stale or damaged.
  return order <= kMaxOrder && is_aligned(pfn, order) ? order : 0;
}

bool PageClassifier::is_hugetlb_by_tail(ByteSpan structs) const {
  if (types_.knows(PageTypes::Kind::hugetlb)) return false;  // 6.9 and later (d99e3140a4d3): by its type
  const auto tail = first_tail(structs);
  if (!tail) return false;
  if (hugetlb_ != 0) return (load64(*tail, flags_) & hugetlb_) != 0;
  return destructor_ && hugetlb_destructor_ &&
         static_cast<uint64_t>((*tail)[*destructor_]) == *hugetlb_destructor_;
}

bool PageClassifier::is_poisoned(ByteSpan structs) const {
  return (load64(structs, flags_) & poison_) != 0;
}

// The kernel marks a broken page of hugetlb at the head, and keeps a list of which one it is
// (folio_set_hugetlb_hwpoison(), mm/memory-failure.c): none of its pages is safe to read.
PageClass PageClassifier::class_of_hugetlb(const Fields& page) const {
  return (page.flags & poison_) != 0 ? PageClass::poisoned : PageClass::user;
}

PageRun PageClassifier::free_block(uint64_t pfn, const Fields& page) const {
  const uint64_t order = page.private_data;
  if (order > kMaxOrder || (free_orders_ != 0 && order >= free_orders_) || !is_aligned(pfn, order)) return {};
  return {.page_class = PageClass::free, .pages = uint64_t{1} << order};
}

// Kept in blocks of the largest order; each page of one but the first looks like any other.
PageRun PageClassifier::unaccepted_block(uint64_t pfn) const {
  const uint64_t order = free_orders_ != 0 && free_orders_ <= kMaxOrder ? free_orders_ - 1 : 0;
  return {.page_class = PageClass::unaccepted,
          .pages = is_aligned(pfn, order) ? uint64_t{1} << order : uint64_t{1}};
}

// A page that may be mapped: its flags and its mapping show what it is.
PageRun PageClassifier::untyped(const Fields& page, uint64_t pages, ByteSpan structs) const {
  const bool anonymous = is_anonymous(page), head = (page.flags & head_) != 0;
  if (is_cache(page) && !anonymous) {
    return {.page_class = (page.flags & private_) != 0 ? PageClass::cache_private : PageClass::cache,
            .pages = pages};
  }
  if (head && is_hugetlb_by_tail(structs)) return {.page_class = class_of_hugetlb(page), .pages = pages};
  if (anonymous) return {.page_class = PageClass::user, .pages = pages};
  // It may be hugetlb with a broken page.
  if (head && !knows_hugetlb() && (page.flags & poison_) != 0)
    return {.page_class = PageClass::poisoned, .pages = pages};
  return {.page_class = PageClass::kernel, .pages = pages};
}

PageRun PageClassifier::use_of(uint64_t pfn, const Fields& page, ByteSpan structs) const {
  const bool head = (page.flags & head_) != 0;
  const uint64_t pages = head ? uint64_t{1} << compound_order(pfn, structs) : 1;
  // Slab pages have a flag until 6.9, a type from 6.10 (46df8e73a4a3). The word of the type has no meaning
  // where the flag is set.
  const auto kind = (page.flags & slab_) != 0 ? PageTypes::Kind::slab : types_.kind(page.mapcount);
  switch (kind) {
    case PageTypes::Kind::none:
      return untyped(page, pages, structs);
    case PageTypes::Kind::free:
      return free_block(pfn, page);
    case PageTypes::Kind::unaccepted:
      return unaccepted_block(pfn);
    case PageTypes::Kind::offline:
      return {.page_class = PageClass::offline, .pages = pages};
    case PageTypes::Kind::hugetlb:
      if (head) return {.page_class = class_of_hugetlb(page), .pages = pages};
      break;
    // A page with a type is neither cache nor anonymous, whatever its flags and its mapping look like.
    case PageTypes::Kind::slab:
    case PageTypes::Kind::kernel:
      break;
    case PageTypes::Kind::unknown:
      return {.unknown_type = types_.type_in(page.mapcount), .pages = pages};
  }
  return {.pages = pages};
}

PageRun PageClassifier::classify(uint64_t pfn, ByteSpan structs) const {
  const ByteSpan page = structs.first(page_size_);
  const Fields found = fields(page);
  PageRun run;
  // The head decides the class of a tail page.
  if ((load64(page, compound_head_) & kTailBit) == 0) run = use_of(pfn, found, structs);
  run.first_is_broken = (found.flags & poison_) != 0;
  return run;
}

}  // namespace lifeboat
