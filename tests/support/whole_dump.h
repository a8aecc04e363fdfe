// SPDX-License-Identifier: GPL-2.0-or-later
// The smallest dump that is marked whole: for stores, which look at no more.
#pragma once

#include <string>

#include "tests/support/kdump_builder.h"

namespace lifeboat::test {

inline std::string whole_dump() {
  const auto bytes = KdumpBuilder(8).zero_page(1).build();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace lifeboat::test
