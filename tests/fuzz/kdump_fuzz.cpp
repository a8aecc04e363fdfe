// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/kdump_reader.h"
#include "src/dump/verify.h"

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
  const PageSize page_size = dump->page_size();
  std::vector<std::byte> by_read(page_size.bytes()), by_descriptor(page_size.bytes());
  uint64_t pages = 0;
  for (const auto& range : dump->ram()) {
    for (uint64_t pfn = page_size.frame(range.start); pfn < page_size.frame(range.end) && pages < 2000;
         ++pfn, ++pages) {
      const auto run = dump->next_stored(pfn, pfn + 1);
      const auto state = dump->page_state(pfn);
      const bool stored = state && *state == PageState::stored;
      if (!run || run->has_value() != stored) __builtin_trap();
      const auto read = dump->read(page_size.address(pfn), by_read);
      const auto descriptor = dump->descriptor(pfn);
      const bool decompressed = descriptor && dump->decompress(*descriptor, by_descriptor);
      if (read.has_value() != decompressed || (read && by_read != by_descriptor)) __builtin_trap();
      if (whole && !dump->info().split && stored && !read) __builtin_trap();
    }
  }
  return 0;
}
