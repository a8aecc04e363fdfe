// SPDX-License-Identifier: GPL-2.0-or-later
// The debug files that were built for these tests, and what is known of them.
#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>
#include <string>

#include "src/base/file.h"
#include "src/base/process.h"
#include "src/debuginfo/debug_file.h"
#include "tests/support/results.h"

namespace lifeboat::test {

inline std::string fixture(const std::string& name) {
  return std::string(LIFEBOAT_FIXTURES "/") + name;
}

// The line of fixture/init/main.c that ends with this remark.
inline uint32_t line_of(const std::string& remark) {
  std::istringstream lines(read_text(LIFEBOAT_FIXTURE_SOURCES "/init/main.c").value());
  uint32_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with("// " + remark)) return number;
  }
  ADD_FAILURE() << "no line has " << remark;
  return 0;
}

inline uint64_t address_of(const DebugFile& file, std::string_view function) {
  uint64_t found = 0;
  file.visit_functions([&](std::string_view name, uint64_t address, size_t /*section*/) {
    if (name == function) found = address;
  });
  EXPECT_NE(found, 0u) << function;
  return found;
}

// Another form of a file, made by binutils.
inline void objcopy(std::vector<std::string> options, const std::string& from, const std::string& to) {
  options.insert(options.begin(), "objcopy");
  options.push_back(from);
  options.push_back(to);
  const auto made = run_process(options, std::chrono::seconds(30));
  ASSERT_TRUE(made) << why(made);
  ASSERT_EQ(made->status, 0) << made->text;
}

}  // namespace lifeboat::test
