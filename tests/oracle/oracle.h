// SPDX-License-Identifier: GPL-2.0-or-later
// What the oracle tests share: dumps with the facts that their guests recorded.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "src/dump/dump.h"
#include "src/vmcore/dump_kernel.h"
#include "src/vmcore/kernel_memory.h"
#include "tests/support/programs.h"

namespace lifeboat::test {

// The folders to look at: $LIFEBOAT_ORACLE_DUMPS (separated by colons), else the rehearsal of
// $LIFEBOAT_ORACLE_KERNEL, else all rehearsals.
std::vector<std::filesystem::path> oracle_folders();

struct OracleDump {
  std::unique_ptr<Dump> dump;
  KernelMemory kernel;
};
// Opens FOLDER/vmcore, or fails the test.
std::unique_ptr<OracleDump> open_oracle(const std::filesystem::path& folder);

// "6.12" of ".../6.12", as a test's name.
std::string oracle_name(const testing::TestParamInfo<std::filesystem::path>& info);

}  // namespace lifeboat::test
