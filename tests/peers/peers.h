// SPDX-License-Identifier: GPL-2.0-or-later
// What the peer tests share: a rehearsal's vmcore, other tools' dumps of it, and a page-by-page comparison.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "src/dump/dump.h"
#include "tests/support/programs.h"

namespace lifeboat::test {

// The kernel whose rehearsal is looked at ($LIFEBOAT_PEER_KERNEL, set by ctest): "6.1", "6.12".
std::string peer_kernel();
std::filesystem::path rehearsal();
std::string peer_program(const std::string& name);

// Opens, or fails the test.
std::unique_ptr<Dump> open_dump(const std::filesystem::path& path);

struct Difference {
  uint64_t only_first = 0, only_second = 0;  // pages that one keeps and the other does not
  uint64_t contents = 0;                     // pages that both keep and that differ
  uint64_t compared = 0;
  std::vector<uint64_t> examples;  // PFNs of the first few
};
Difference compare(Dump& first, Dump& second);

}  // namespace lifeboat::test
