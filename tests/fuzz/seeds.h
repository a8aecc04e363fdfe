// SPDX-License-Identifier: GPL-2.0-or-later
// A first input of a fuzz target.
#pragma once

#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/file.h"

namespace lifeboat::test {

struct Seed {
  const char* target;
  std::string name;
  std::vector<std::byte> bytes;
};

std::vector<Seed> inspect_seeds();

}  // namespace lifeboat::test
