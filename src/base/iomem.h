// SPDX-License-Identifier: GPL-2.0-or-later
// /proc/iomem: the running kernel's map of physical memory (kernel/resource.c).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/base/memory_range.h"

namespace lifeboat {

// A line of /proc/iomem; children (larger depth) follow their parent.
struct Resource {
  MemoryRange range;
  int depth = 0;
  std::string name;
};
// `no_permission` when the kernel hides the addresses from this caller: they all read as 0 without
// CAP_SYS_ADMIN (kernel/resource.c). `corrupt` names the line.
Result<std::vector<Resource>> parse_iomem(std::string_view text);

}  // namespace lifeboat
