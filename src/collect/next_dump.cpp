// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/next_dump.h"

#include "capture/engine/dump_estimate.h"
#include "src/dump/dump.h"

namespace lifeboat::collect {

Result<uint64_t> measure_next_dump(const DumpSettings& dump, const std::string& proc) {
  // Of a large machine a part will do: some 64 GiB of memory.
  constexpr uint64_t kChunks = 64;
  const auto memory = TRY(Dump::open(proc + "/kcore"));
  const auto estimate = TRY(estimate_dump(
      *memory, {.compression = dump.compression, .threads = 1, .most_chunks = kChunks}, no_progress()));
  return estimate.bytes_at(dump.level.front());
}

}  // namespace lifeboat::collect
