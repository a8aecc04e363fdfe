// SPDX-License-Identifier: GPL-2.0-or-later
// The dumped kernel's log.
#pragma once

#include "inspect/session.h"
#include "kernel/printk.h"

namespace lifeboat::inspect {

// An Error when the kernel's memory or the ring cannot be found.
Result<KernelLog> read_log(const Session& session);

}  // namespace lifeboat::inspect
