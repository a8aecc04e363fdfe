// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspect/session.h"

namespace lifeboat::inspect {

Result<Session> Session::open(const std::string& path) {
  auto dump = TRY(Dump::open(path));
  // The dump stays where it is on the heap when the session moves: the kernel's memory refers to it.
  auto kernel = KernelMemory::create(*dump, dump->info().vmcoreinfo);
  return Session(std::move(dump), std::move(kernel));
}

}  // namespace lifeboat::inspect
