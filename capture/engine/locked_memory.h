// SPDX-License-Identifier: GPL-2.0-or-later
// Memory that several threads may read, over one that they may not.
#pragma once

#include <mutex>

#include "src/dump/dump.h"

namespace lifeboat {

// One thread at a time, unless the memory itself can serve several.
class LockedMemory final : public PhysicalMemory {
 public:
  explicit LockedMemory(PhysicalMemory& memory) : memory_(memory), parallel_(memory.parallel_reads()) {}
  Result<> read(uint64_t physical_address, MutableByteSpan out) override {
    if (parallel_) return memory_.read(physical_address, out);
    const std::scoped_lock lock(mutex_);
    return memory_.read(physical_address, out);
  }
  [[nodiscard]] bool changes() const override { return memory_.changes(); }
  [[nodiscard]] bool parallel_reads() const override { return true; }

 private:
  PhysicalMemory& memory_;
  bool parallel_;
  std::mutex mutex_;
};

}  // namespace lifeboat
