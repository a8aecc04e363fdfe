// SPDX-License-Identifier: GPL-2.0-or-later
// How large the next dump of this machine will be.
#pragma once

#include <cstdint>
#include <string>

#include "capture/plan/settings.h"

namespace lifeboat::collect {

// At the first level of the configuration, by the memory of the running kernel as it is now, of a large
// machine by a part of it. Takes seconds. Needs root, and a kernel that does not refuse /proc/kcore
// (lockdown).
Result<uint64_t> measure_next_dump(const DumpSettings& dump, const std::string& proc = "/proc");

}  // namespace lifeboat::collect
