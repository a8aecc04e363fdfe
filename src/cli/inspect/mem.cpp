// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "src/base/log.h"
#include "src/base/size.h"
#include "src/cli/inspect/view.h"
#include "src/inspect/memory_use.h"

namespace lifeboat::cli {
namespace {

using inspect::MemoryUse;
using nlohmann::ordered_json;

constexpr size_t kShownCaches = 15;

struct Counter {
  const char *name, *key;
  std::optional<uint64_t> MemoryUse::* pages;
};
constexpr Counter kCounters[] = {
    {"total", "total", &MemoryUse::total},
    {"free", "free", &MemoryUse::free},
    {"cache", "cache", &MemoryUse::cache},
    {"anonymous", "anonymous", &MemoryUse::anonymous},
    {"shared", "shared", &MemoryUse::shared},
    {"slab, reclaimable", "slab_reclaimable", &MemoryUse::slab_reclaimable},
    {"slab, other", "slab_unreclaimable", &MemoryUse::slab_unreclaimable},
    {"page tables", "page_tables", &MemoryUse::page_tables},
    {"kernel stacks", "kernel_stacks", &MemoryUse::kernel_stacks},
    {"dirty", "dirty", &MemoryUse::dirty},
    {"writeback", "writeback", &MemoryUse::writeback},
    {"swap, total", "swap_total", &MemoryUse::swap_total},
    {"swap, free", "swap_free", &MemoryUse::swap_free},
};

void print_use(const View& view) {
  fmt::print("{}\n", view.style.heading("Memory, by the kernel's counters"));
  const auto use = inspect::read_memory_use(view.session);
  if (!use) {
    fmt::print("  {}\n", one_line(inspect::unknown_because(use.error())));
    return;
  }
  for (const auto& counter : kCounters)
    if (const auto& pages = (*use).*counter.pages)
      fmt::print("  {:<18}{:>12}\n", counter.name, view.format_pages(*pages));
}

void print_zones(const View& view) {
  fmt::print("\n{}\n", view.style.heading("Zones"));
  const auto list = inspect::read_zones(view.session);
  if (!list) {
    fmt::print("  {}\n", one_line(inspect::unknown_because(list.error())));
    return;
  }
  const auto pages = [&view](const std::optional<uint64_t>& number) {
    return number ? view.format_pages(*number) : std::string("?");
  };
  fmt::print("  {:<5}{:<10}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}\n", "node", "zone", "present", "managed",
             "free", "min", "low", "high");
  for (const auto& zone : list->zones) {
    fmt::print("  {:<5}{:<10}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}\n", zone.node, one_line(zone.name),
               pages(zone.present), pages(zone.managed), pages(zone.free), pages(zone.min_watermark),
               pages(zone.low_watermark), pages(zone.high_watermark));
  }
  for (const auto& note : list->notes) fmt::print("  note: {}\n", one_line(note));
}

void print_slabs(const View& view) {
  fmt::print("\n{}\n", view.style.heading("Slab caches, the largest"));
  const auto list = inspect::read_slab_caches(view.session);
  if (!list) {
    fmt::print("  {}\n", one_line(inspect::unknown_because(list.error())));
    return;
  }
  fmt::print("  {:<26}{:>10}{:>12}{:>10}{:>12}\n", "name", "object", "objects", "slabs", "memory");
  for (size_t index = 0; index < std::min(list->caches.size(), kShownCaches); ++index) {
    const auto& cache = list->caches[index];
    fmt::print("  {:<26}{:>10}{:>12}{:>10}{:>12}\n", one_line(cache.name), cache.object_size, cache.objects,
               cache.slabs, view.format_pages(cache.pages));
  }
  for (const auto& note : list->notes) fmt::print("  note: {}\n", one_line(note));
}

ordered_json zones_json(const inspect::ZoneList& list) {
  ordered_json zones = ordered_json::array();
  const auto pages = [](const std::optional<uint64_t>& number) {
    return number ? ordered_json(*number) : ordered_json();
  };
  for (const auto& zone : list.zones) {
    zones.push_back({{"node", zone.node},
                     {"name", zone.name},
                     {"present_pages", zone.present},
                     {"managed_pages", zone.managed},
                     {"free_pages", zone.free},
                     {"min_pages", pages(zone.min_watermark)},
                     {"low_pages", pages(zone.low_watermark)},
                     {"high_pages", pages(zone.high_watermark)}});
  }
  return zones;
}

ordered_json caches_json(const inspect::SlabCaches& list) {
  ordered_json caches = ordered_json::array();
  for (const auto& cache : list.caches) {
    caches.push_back({{"name", cache.name},
                      {"object_size", cache.object_size},
                      {"objects", cache.objects},
                      {"slabs", cache.slabs},
                      {"pages", cache.pages}});
  }
  return caches;
}

ordered_json to_json(const View& view) {
  ordered_json document;
  const auto put = [&document](const char* key, const auto& result, const auto& value) {
    document[key] = result ? value(*result) : ordered_json();
    if (!result) document["unknown"][key] = result.error().message;
  };
  put("counters", inspect::read_memory_use(view.session), [&view](const MemoryUse& use) {
    const PageSize page_size = view.session.dump().page_size();
    ordered_json counters;
    for (const auto& counter : kCounters) {
      const auto& pages = use.*counter.pages;
      counters[counter.key] = pages ? ordered_json(page_size.bytes(*pages)) : ordered_json();
    }
    return counters;
  });
  put("zones", inspect::read_zones(view.session), zones_json);
  put("slab_caches", inspect::read_slab_caches(view.session), caches_json);
  add_page_counts(view.session, document);
  return document;
}

}  // namespace

Result<int> view_mem(const View& view) {
  TRY_VOID(view.expect_arguments("mem", 0, 0));
  if (view.json()) {
    view.print(to_json(view));
    return kDone;
  }
  print_use(view);
  print_zones(view);
  print_slabs(view);
  print_page_counts(view.session);
  return kDone;
}

}  // namespace lifeboat::cli
