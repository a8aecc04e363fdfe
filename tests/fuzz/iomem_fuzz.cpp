// SPDX-License-Identifier: GPL-2.0-or-later
// /proc/iomem as a file that somebody gives to a dry run: what is made of it must still be sound.
#include <cstdlib>

#include "loader/memory_map.h"
#include "loader/placement.h"
#include "loader/x86_64/e820.h"
#include "src/base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  const auto resources = parse_iomem(as_text(std::as_bytes(std::span(data, size))));
  if (!resources) return 0;
  const auto crash = crash_reservation(*resources);
  [[maybe_unused]] const auto map = x86_64::capture_map(*resources, crash);
  const auto ram = loadable_ram(*resources, x86_64::names_of_no_ram(), 4096);
  if (total_size(intersect(ram, {0, UINT64_MAX})) != total_size(ram)) std::abort();
  for (const auto& range : subtract(dumpable_ram(*resources), crash)) {
    for (const auto& reserved : crash) {
      if (range.begin < reserved.end && reserved.begin < range.end) std::abort();
    }
  }
  Placement placement(ram, {1 << 20, UINT64_MAX}, 4096);
  for (const uint64_t want : {uint64_t{4096}, uint64_t{2} << 20}) {
    const auto at = placement.take({.what = "a room", .size = want, .alignment = want});
    if (at && (*at % want != 0 || total_size(intersect(ram, {*at, *at + want})) != want)) std::abort();
  }
  return 0;
}
