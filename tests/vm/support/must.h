// SPDX-License-Identifier: GPL-2.0-or-later
// What a test needs before it can test anything: without it the test ends, and GoogleTest shows why.
#pragma once

#include <stdexcept>
#include <string>

#include "src/base/error.h"

namespace lifeboat::test {

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().to_string());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace lifeboat::test
