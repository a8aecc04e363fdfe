// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/missing_page.h"

#include <algorithm>

#include "src/vmcore/page_scan.h"

namespace lifeboat::inspect {
namespace {

// No compound page or buddy block crosses such a border (1 GiB of 4 KiB pages; larger pages have larger huge
// pages).
constexpr uint64_t kChunkPages = uint64_t{1} << 18;
// Each may take milliseconds; after this many, missing pages are reported without their use.
constexpr size_t kMaxLooks = 64;

}  // namespace

std::string_view page_class_description(PageClass page_class) {
  switch (page_class) {
    case PageClass::kernel:
      return "the kernel's own";
    case PageClass::free:
      return "free memory";
    case PageClass::unaccepted:
      return "memory that the guest never accepted";
    case PageClass::cache:
      return "file cache";
    case PageClass::cache_private:
      return "file cache with private data";
    case PageClass::user:
      return "user memory";
    case PageClass::poisoned:
      return "poisoned by a hardware error";
    case PageClass::offline:
      return "offline, or lent to the host";
  }
  return "the kernel's own";
}

std::optional<PageClass> MissingPages::class_at(uint64_t virtual_address) {
  if (!session_.kernel()) return std::nullopt;
  const auto physical = session_.kernel()->translate(virtual_address);
  if (!physical) return std::nullopt;
  const uint64_t pfn = session_.dump().page_size().frame(*physical);
  // For a page whose state cannot be read nothing is added: the error is enough.
  const auto state = session_.dump().page_state(pfn);
  if (!state || *state != PageState::excluded) return std::nullopt;
  const auto known = known_.find(pfn);
  if (known != known_.end()) return known->second;
  if (known_.size() >= kMaxLooks) return std::nullopt;
  return known_[pfn] = class_of(pfn);
}

std::optional<PageClass> MissingPages::class_of(uint64_t pfn) {
  const KernelMemory& kernel = *session_.kernel();
  const auto map = MemMap::create(kernel);
  const auto classifier = PageClassifier::create(kernel.vmcoreinfo());
  if (!map || !classifier) return std::nullopt;
  // Its struct page, too, may be missing: it would count as the kernel's.
  const auto section = map->section_map(pfn);
  if (!section || !*section) return std::nullopt;
  const uint64_t description = **section + pfn % map->pages_per_section() * map->page_struct_size();
  std::vector<std::byte> bytes(map->page_struct_size());
  if (!kernel.read(description, bytes)) return std::nullopt;
  PageClass found = PageClass::kernel;
  scan_page_classes(kernel, *map, *classifier, pfn / kChunkPages * kChunkPages, pfn + 1,
                    [&](uint64_t first, uint64_t pages, PageClass page_class) {
                      if (pfn >= first && pfn - first < pages) found = page_class;
                    });
  return found;
}

Error MissingPages::explain(Error error, uint64_t virtual_address, uint64_t size) {
  if (error.code != ErrorCode::excluded) return error;
  constexpr uint64_t kMaxPages = 1024;
  const PageSize page_size = session_.dump().page_size();
  const uint64_t within = page_size.within(virtual_address), first = virtual_address - within;
  const uint64_t pages = std::min(kMaxPages, page_size.frame(within + std::max<uint64_t>(size, 1) - 1) + 1);
  for (uint64_t page = 0; page < pages; ++page) {
    const auto found = class_at(first + page_size.address(page));
    if (!found) continue;
    error.message += fmt::format("; it was {}", page_class_description(*found));
    const auto level = session_.dump().info().dump_level;
    if (level && level_excludes(*level, *found) && !level_excludes(0, *found)) {
      int kept = *level;
      for (const int bit : {kLevelCache, kLevelCachePrivate, kLevelUser, kLevelFree})
        if (level_excludes(bit, *found)) kept &= ~bit;
      return std::move(error).hint(fmt::format("use a dump of level {}, which has such pages", kept));
    }
    if (*found == PageClass::kernel && level)
      return std::move(error).hint("use another dump: another program's filter left such pages out");
    return error;
  }
  return error;
}

}  // namespace lifeboat::inspect
