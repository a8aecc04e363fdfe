// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspect/log.h"

namespace lifeboat::inspect {

Result<KernelLog> read_log(const Session& session) {
  if (!session.kernel()) return std::unexpected(session.kernel().error());
  return read_kernel_log(*session.kernel());
}

}  // namespace lifeboat::inspect
