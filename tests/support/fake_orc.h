// SPDX-License-Identifier: GPL-2.0-or-later
// ORC tables in a made-up kernel's memory.
#pragma once

#include <vector>

#include "src/vmcore/x86_64/orc.h"
#include "tests/support/fake_kernel.h"

namespace lifeboat::test {

// An address in the kernel's text where tests put their functions.
inline constexpr uint64_t kFakeCode = 0xffffffff80600000;

struct FakeOrc {
  uint64_t address = 0;
  x86_64::RawOrcEntry entry;
};

// The two tables, in the order given, where `place` says.
inline void write_orc_at(FakeKernel& fake, const x86_64::OrcPlace& place,
                         const std::vector<FakeOrc>& entries) {
  for (size_t index = 0; index < entries.size(); ++index) {
    const uint64_t at = place.ips + index * sizeof(int32_t);
    fake.write32(at, static_cast<uint32_t>(entries[index].address - at));
    fake.write(place.entries + index * sizeof(x86_64::RawOrcEntry), object_bytes(entries[index].entry));
  }
}

// In fresh pages.
inline x86_64::OrcPlace write_orc(FakeKernel& fake, const std::vector<FakeOrc>& entries) {
  x86_64::OrcPlace place;
  place.count = entries.size();
  place.ips = fake.allocate(entries.size() * sizeof(int32_t));
  place.entries = fake.allocate(entries.size() * sizeof(x86_64::RawOrcEntry));
  write_orc_at(fake, place, entries);
  return place;
}

}  // namespace lifeboat::test
