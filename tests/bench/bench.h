// SPDX-License-Identifier: GPL-2.0-or-later
// What the benches share: a dump to work on, and measured runs of a program.
#pragma once

#include <string>
#include <vector>

#include "tests/support/programs.h"

namespace lifeboat::test {

// The folder of a rehearsal of 6.12 with 2 GiB, made now if there is none: vmcore (level 31, zstd) and
// vmcore.elf (all of memory). Ends the program when it cannot be made.
std::filesystem::path bench_rehearsal();

// Of the whole process, as the kernel accounts for it.
struct Cost {
  double wall = 0, cpu = 0;  // seconds; cpu: user and system
  double peak_mb = 0;        // of resident memory
};
// Runs to the end, its output thrown away; ends the program when it fails.
Cost cost_of(const std::vector<std::string>& argv);
// Each figure by itself.
Cost median_of(const std::vector<Cost>& costs);
double median(std::vector<double> values);

}  // namespace lifeboat::test
