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

// A bit number of page->flags as a mask; 0 when the key is not there or senseless.
uint64_t flag_mask(const Vmcoreinfo& info, std::string_view name) {
  const auto bit = info.number(name);
  return bit && *bit >= 0 && *bit < 64 ? uint64_t{1} << *bit : 0;
}

// Page types are exported as numbers with a sign; what counts is the 32-bit pattern in page->_mapcount.
std::optional<uint32_t> page_type(const Vmcoreinfo& info, std::string_view name) {
  const auto value = info.number(name);
  return value ? std::optional(static_cast<uint32_t>(*value)) : std::nullopt;
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
  PageClassifier classifier;
  TRY_VOID(classifier.read_layout(info));
  TRY_VOID(classifier.read_flags(info));
  classifier.read_compound(info);
  classifier.read_types(info);
  return classifier;
}

Result<> PageClassifier::read_layout(const Vmcoreinfo& info) {
  page_size_ = TRY(info.require_size("page"));
  flags_ = TRY(info.require_offset("page.flags"));
  mapping_ = TRY(info.require_offset("page.mapping"));
  mapcount_ = TRY(info.require_offset("page._mapcount"));
  private_data_ = TRY(info.require_offset("page.private"));
  // Renamed in 7.1, where it also has the size of the compound page; the meaning of bit 0 is unchanged.
  compound_head_ = info.offset("page.compound_head");
  if (!compound_head_) compound_head_ = info.offset("page.compound_info");
  if (!compound_head_) return fail(ErrorCode::not_found, "VMCOREINFO has no OFFSET(page.compound_head)");
  for (const uint64_t offset : {flags_, mapping_, mapcount_, private_data_, *compound_head_}) {
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
  if (head_ == 0) warnings_.emplace_back("compound pages cannot be recognised; their tails are kept");
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

void PageClassifier::read_types(const Vmcoreinfo& info) {
  buddy_type_ = page_type(info, "PAGE_BUDDY_MAPCOUNT_VALUE");
  offline_type_ = page_type(info, "PAGE_OFFLINE_MAPCOUNT_VALUE");
  slab_type_ = page_type(info, "PAGE_SLAB_MAPCOUNT_VALUE");
  hugetlb_type_ = page_type(info, "PAGE_HUGETLB_MAPCOUNT_VALUE");
  unaccepted_type_ = page_type(info, "PAGE_UNACCEPTED_MAPCOUNT_VALUE");
  if (!buddy_type_) warnings_.emplace_back("free pages cannot be recognised and are kept");
  if (slab_ == 0 && !slab_type_)
    warnings_.emplace_back("slab pages cannot be recognised: user pages are kept");
}

PageClassifier::Fields PageClassifier::fields(ByteSpan page) const {
  return {load64(page, flags_), load64(page, mapping_), load64(page, private_data_), load32(page, mapcount_)};
}

bool PageClassifier::is_slab(const Fields& page) const {
  // A page flag until 6.9, a page type from 6.10 (46df8e73a4a3).
  return (page.flags & slab_) != 0 || (slab_type_ && page.mapcount == *slab_type_);
}

bool PageClassifier::is_cache(const Fields& page) const {
  if ((page.flags & lru_) != 0) return true;
  // PG_swapcache shares its bit with PG_owner_priv_1 and means this only together with PG_swapbacked.
  return (page.flags & swapcache_) != 0 && (page.flags & swapbacked_) != 0;
}

uint64_t PageClassifier::compound_order(uint64_t pfn, ByteSpan structs) const {
  if (structs.size() < 2 * page_size_) return 0;
  const ByteSpan tail = structs.subspan(page_size_, page_size_);
  const uint64_t order = order_ ? static_cast<uint64_t>(tail[*order_]) : load64(tail, flags_) & 0xff;
  // A head that is not aligned to its size is not a head: stale or damaged.
  if (order > kMaxOrder || (pfn & ((uint64_t{1} << order) - 1)) != 0) return 0;
  return order;
}

bool PageClassifier::is_hugetlb(const Fields& page, ByteSpan structs) const {
  if (hugetlb_type_) return page.mapcount == *hugetlb_type_;  // 6.9 and later (d99e3140a4d3)
  if (structs.size() < 2 * page_size_) return false;
  const ByteSpan tail = structs.subspan(page_size_, page_size_);
  if (hugetlb_ != 0) return (load64(tail, flags_) & hugetlb_) != 0;
  return destructor_ && hugetlb_destructor_ &&
         static_cast<uint64_t>(tail[*destructor_]) == *hugetlb_destructor_;
}

bool PageClassifier::is_poisoned(ByteSpan structs) const {
  return (load64(structs, flags_) & poison_) != 0;
}

PageRun PageClassifier::classify(uint64_t pfn, ByteSpan structs) const {
  const ByteSpan page = structs.first(page_size_);
  // The head decides the class of a tail page.
  if ((load64(page, *compound_head_) & kTailBit) != 0) return {};
  const Fields found = fields(page);
  const bool slab = is_slab(found);

  if (buddy_type_ && found.mapcount == *buddy_type_ && !slab) {
    const uint64_t order = found.private_data;
    if (order > kMaxOrder || (free_orders_ != 0 && order >= free_orders_)) return {};
    return {PageClass::free, uint64_t{1} << order};
  }
  // Before all other checks, unlike makedumpfile, which checks it last: whatever such a page was used for, it
  // must not be read, also at a level that keeps its class.
  if ((found.flags & poison_) != 0) return {PageClass::poisoned, 1};
  if (unaccepted_type_ && found.mapcount == *unaccepted_type_) {
    // Kept in blocks of the largest order; each page of one but the first looks like any other.
    return {PageClass::unaccepted,
            free_orders_ != 0 && free_orders_ <= kMaxOrder ? uint64_t{1} << (free_orders_ - 1) : 1};
  }

  const bool head = (found.flags & head_) != 0;
  const uint64_t pages = head ? uint64_t{1} << compound_order(pfn, structs) : 1;
  // Without knowing slab pages, their list pointers could be taken for an anonymous mapping.
  const bool slab_known = slab_ != 0 || slab_type_.has_value();
  const bool anonymous = (found.mapping & kAnonymousBit) != 0 && !slab && slab_known;
  if (is_cache(found) && !anonymous) {
    return {(found.flags & private_) != 0 ? PageClass::cache_private : PageClass::cache, pages};
  }
  if (anonymous || (head && is_hugetlb(found, structs))) return {PageClass::user, pages};
  if (offline_type_ && found.mapcount == *offline_type_) return {PageClass::offline, pages};
  return {PageClass::kernel, pages};
}

}  // namespace lifeboat
