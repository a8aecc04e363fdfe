// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/elf_core.h"
#include "src/dump/verify.h"

// Reads the borders of each range of RAM and verifies the rest: no input may crash, hang or eat the memory.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  const auto dump =
      ElfCore::open(memory_byte_source({reinterpret_cast<const std::byte*>(data), size}, "fuzz"));
  if (!dump) return 0;
  std::byte bytes[16];
  size_t ranges = 0;
  for (const auto& range : (*dump)->ram()) {
    if (++ranges > 100) break;
    // A page that the headers list can be read, or is reported as lost.
    if ((*dump)->page_state((*dump)->page_size().frame(range.start)).value() != PageState::stored)
      __builtin_trap();
    for (const uint64_t at : {range.start - 8, range.start, range.end - 8, range.end}) {
      const auto read = (*dump)->read(at, bytes);
      if (!read && read.error().code != ErrorCode::lost && read.error().code != ErrorCode::not_present)
        __builtin_trap();
    }
  }
  const VerifyReport report = verify_dump(**dump, "fuzz", no_progress());
  if (report.whole && report.incomplete) __builtin_trap();
  return 0;
}
