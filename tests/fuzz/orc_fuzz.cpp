// SPDX-License-Identifier: GPL-2.0-or-later
// The input is both ORC tables, one behind the other; its first 8 bytes are an address to look up.
#include <cstring>

#include "src/vmcore/x86_64/orc.h"
#include "tests/support/fake_kernel.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  using namespace lifeboat::x86_64;
  static test::FakeKernel fake;
  constexpr size_t kMax = 64 << 10;
  static const uint64_t place_of_input = fake.allocate(kMax);
  if (size < 9 || size > kMax) return 0;
  uint64_t address;
  std::memcpy(&address, data, sizeof address);
  data += sizeof address;
  size -= sizeof address;
  fake.write(place_of_input, std::as_bytes(std::span(data, size)));
  static const auto memory = fake.open();
  OrcPlace place{.ips = place_of_input, .count = size / (sizeof(int32_t) + sizeof(RawOrcEntry))};
  place.entries = place.ips + place.count * sizeof(int32_t);
  const auto version =
      place.count == 0 ? Result<OrcVersion>(OrcVersion::first) : orc_version_of_entries(memory, place);
  for (const OrcVersion one : {version.value_or(OrcVersion::first), OrcVersion::renumbered}) {
    auto table = OrcTable::create(memory, place, one);
    if (!table) continue;
    for (const uint64_t at : {address, place_of_input + (address & 0xffff), address & 0xffffffff})
      (void)table->find(at);
  }
  return 0;
}
