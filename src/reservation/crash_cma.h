// SPDX-License-Identifier: GPL-2.0-or-later
// crashkernel=SIZE,cma: memory that programs use until the crash, and the capture kernel afterwards, besides
// a reservation of its own (kernel/crash_reserve.c, reserve_crashkernel_cma()).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/system_state.h"

namespace lifeboat::reservation {

enum class CmaSupport {
  yes,
  no,       // the running kernel would ignore it
  unknown,  // this caller cannot see it
};
// By what the running kernel shows: its ranges, its symbols, whether it has a contiguous memory allocator at
// all.
CmaSupport crash_cma_support(const SystemPaths& paths);
// Whether the running kernel shows what it reserved (crash_cma_ranges). Without it nobody knows, and only
// kexec_file_load(2) gives the memory to a capture kernel.
bool shows_crash_cma(const SystemPaths& paths);

// What it costs, one clause each, for whoever chooses it.
std::vector<std::string> crash_cma_costs();

// The first of the dump levels that keeps user pages: such pages in that memory are missing in the dump.
// nullopt: none does.
std::optional<int> level_with_user_pages(const std::vector<int>& levels);

}  // namespace lifeboat::reservation
