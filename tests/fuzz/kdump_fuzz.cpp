// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/kdump_reader.h"
#include "src/dump/verify.h"
#include "tests/support/page_size.h"

// Any dump that opens, plain or flattened: pages through read() and through their descriptors must agree, so
// must the two ways to ask for a page's state, and what verify calls whole must be readable.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  const auto opened =
      Dump::open(memory_byte_source({reinterpret_cast<const std::byte*>(data), size}, "fuzz"));
  if (!opened) return 0;
  auto* dump = dynamic_cast<KdumpReader*>(opened->get());
  if (dump == nullptr) return 0;
  const bool whole = verify_dump(*dump, "fuzz", no_progress()).whole;
  std::vector<std::byte> by_read(kPageSize), by_descriptor(kPageSize);
  uint64_t pages = 0;
  for (const auto& range : dump->ram()) {
    for (uint64_t pfn = range.start / kPageSize; pfn < range.end / kPageSize && pages < 2000;
         ++pfn, ++pages) {
      const auto run = dump->next_stored(pfn, pfn + 1);
      const auto state = dump->page_state(pfn);
      const bool stored = state && *state == PageState::stored;
      if (!run || run->has_value() != stored) __builtin_trap();
      const auto read = dump->read(pfn * kPageSize, by_read);
      const auto descriptor = dump->descriptor(pfn);
      const bool expanded = descriptor && dump->expand(*descriptor, by_descriptor);
      if (read.has_value() != expanded || (read && by_read != by_descriptor)) __builtin_trap();
      if (whole && !dump->info().split && stored && !read) __builtin_trap();
    }
  }
  return 0;
}
