// SPDX-License-Identifier: GPL-2.0-or-later
// For tests: what is passed to kexec_file_load(2). The fault hook (sys.h) is told only which call it is.
#pragma once

#include <functional>
#include <string>

namespace lifeboat::sys {

struct KexecFileArguments {
  int kernel_fd = -1;
  int initrd_fd = -1;
  std::string command_line;
  unsigned long flags = 0;
};
using KexecFileObserver = std::function<void(const KexecFileArguments&)>;
// Sees each call before the fault hook answers it; not thread-safe. An empty function removes it.
void set_kexec_file_observer(KexecFileObserver observer);

}  // namespace lifeboat::sys
