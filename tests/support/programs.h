// SPDX-License-Identifier: GPL-2.0-or-later
// The built programs and what ./dev has fetched, as tests use them: from outside, like a user.
#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "src/base/file.h"
#include "src/base/process.h"

namespace lifeboat::test {

inline std::string lifeboat_program() {
  return LIFEBOAT_BIN "/lifeboat";
}
// Kernels and peers, as tools/prepare.sh lays them out.
inline std::filesystem::path cache() {
  return LIFEBOAT_CACHE;
}
// Kept from one test to the next: the peer tests read the dumps that the VM tests made.
inline std::filesystem::path rehearsals() {
  return LIFEBOAT_REHEARSALS;
}

// Runs a program to its end; a test that cannot run it fails with the reason.
inline ProcessOutput run(const std::vector<std::string>& argv,
                         std::chrono::milliseconds limit = std::chrono::minutes(5)) {
  auto output = run_process(argv, limit);
  if (!output) {
    ADD_FAILURE() << argv.at(0) << ": " << output.error().to_string();
    return {.status = -1, .text = {}};
  }
  return *std::move(output);
}

inline ProcessOutput run_lifeboat(std::vector<std::string> arguments,
                                  std::chrono::milliseconds limit = std::chrono::minutes(5)) {
  arguments.insert(arguments.begin(), lifeboat_program());
  return run(arguments, limit);
}

inline std::string text_of(const std::filesystem::path& path) {
  const auto text = read_text(path.string(), uint64_t{1} << 28);
  EXPECT_TRUE(text) << text.error().to_string();
  return text.value_or("");
}

}  // namespace lifeboat::test
