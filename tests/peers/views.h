// SPDX-License-Identifier: GPL-2.0-or-later
// One dump as three programs see it, in one form: lifeboat with no debug information, drgn and crash with the
// kernel's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/peers/peers.h"

namespace lifeboat::test {

struct SeenFrame {
  uint64_t address = 0;
  std::string name;
  uint64_t start = 0, size = 0;  // of the function that the address lies in; size 0: unknown
};

struct SeenTask {
  int64_t pid = 0, ppid = 0;
  std::string comm;
  char state = '?';  // as ps shows it
  std::vector<SeenFrame> frames;
};

struct SeenModule {
  uint64_t base = 0, size = 0;
  friend bool operator==(const SeenModule&, const SeenModule&) = default;
};

struct SeenType {
  uint64_t size = 0;
  std::map<std::string, uint64_t> members;  // name -> bits from the beginning
};

struct View {
  std::map<uint64_t, SeenTask> tasks;  // by the address of the task_struct, idle tasks too
  std::map<std::string, SeenModule> modules;
  std::string log;
  std::map<std::string, SeenType> types;  // drgn's only
};

// The kernel's debug file, as fetched by ./dev.
std::filesystem::path debug_vmlinux();

// Of the rehearsal's dump; asked for once. A program that fails, fails the test.
const View& lifeboat_view();
const View& drgn_view();
const View& crash_view();

}  // namespace lifeboat::test
