// SPDX-License-Identifier: GPL-2.0-or-later
// The error for a dump whose memory cannot be understood: of another architecture. Its container can be read
// all the same: verified, copied.
#pragma once

#include <string_view>

#include "src/base/error.h"
#include "src/dump/dump.h"

namespace lifeboat {

// An `unsupported` error that names the machine, and the kernel's release and crash time as far as the
// container has them. `name`: of the dump.
Error other_machine(const DumpInfo& info, std::string_view name);

}  // namespace lifeboat
