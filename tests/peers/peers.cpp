// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/peers/peers.h"

#include <algorithm>
#include <cstdlib>

#include "tests/support/usual_page_size.h"

namespace lifeboat::test {

std::string peer_kernel() {
  const char* version = std::getenv("LIFEBOAT_PEER_KERNEL");
  return version != nullptr ? version : "6.12";
}

std::filesystem::path rehearsal() {
  return rehearsals() / peer_kernel();
}
std::string peer_program(const std::string& name) {
  return cache() / "peers" / name;
}

std::unique_ptr<Dump> open_dump(const std::filesystem::path& path) {
  auto dump = Dump::open(path.string());
  EXPECT_TRUE(dump) << dump.error().to_string();
  return dump ? *std::move(dump) : nullptr;
}

Difference compare(Dump& first, Dump& second) {
  Difference difference;
  const auto note = [&](uint64_t pfn) {
    if (difference.examples.size() < 10) difference.examples.push_back(pfn);
  };
  std::vector<std::byte> one(kPageSize), other(kPageSize);
  const uint64_t end = std::max(first.info().max_pfn, second.info().max_pfn);
  for (uint64_t pfn = 0; pfn < end; ++pfn) {
    const bool in_first = first.page_state(pfn).value() == PageState::stored;
    const bool in_second = second.page_state(pfn).value() == PageState::stored;
    if (in_first != in_second) {
      ++(in_first ? difference.only_first : difference.only_second);
      note(pfn);
    } else if (in_first) {
      ++difference.compared;
      const bool same =
          first.read(pfn * kPageSize, one) && second.read(pfn * kPageSize, other) && one == other;
      if (!same) {
        ++difference.contents;
        note(pfn);
      }
    }
  }
  return difference;
}

}  // namespace lifeboat::test
