// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "src/vmcore/architecture.h"

namespace lifeboat::x86_64 {

const Architecture& architecture();

}  // namespace lifeboat::x86_64
