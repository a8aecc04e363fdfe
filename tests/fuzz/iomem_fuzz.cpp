// SPDX-License-Identifier: GPL-2.0-or-later
// /proc/iomem as a file that somebody gives to a dry run: what is made of it must still be sound.
#include <cstdlib>

#include "loader/memory_map.h"
#include "loader/placement.h"
#include "loader/x86_64/e820.h"
#include "src/base/bytes.h"
#include "src/base/size.h"

using namespace lifeboat;

static void check_placement(const std::vector<Resource>& resources, uint64_t page) {
  const auto ram = loadable_ram(resources, x86_64::names_of_no_ram(), page);
  if (total_size(intersect(ram, {0, UINT64_MAX})) != total_size(ram)) std::abort();
  Placement placement(ram, {1_MiB, UINT64_MAX}, page);
  for (const uint64_t want : {page, 2_MiB}) {
    const auto at = placement.take({.what = "a room", .size = want, .alignment = want});
    if (at && (*at % want != 0 || total_size(intersect(ram, {*at, *at + want})) != want)) std::abort();
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto resources = parse_iomem(as_text(std::as_bytes(std::span(data, size))));
  if (!resources) return 0;
  const auto crash = crash_reservation(*resources);
  [[maybe_unused]] const auto map = x86_64::capture_map(*resources, crash);
  for (const auto& range : subtract(dumpable_ram(*resources), crash)) {
    for (const auto& reserved : crash) {
      if (range.begin < reserved.end && reserved.begin < range.end) std::abort();
    }
  }
  for (const uint64_t page : {4_KiB, 64_KiB}) check_placement(*resources, page);
  return 0;
}
