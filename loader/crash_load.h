// SPDX-License-Identifier: GPL-2.0-or-later
// Loads a kernel for the next crash, or for the next reboot without firmware, with kexec_file_load(2).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "loader/system_state.h"

namespace lifeboat {

struct LoadRequest {
  std::string kernel;
  std::string initramfs;  // empty: none
  std::string command_line;
  bool crash = true;
  // Another load that is under way is waited for at most this long.
  std::chrono::milliseconds busy_deadline{10'000};
};

struct LoadReport {
  std::string release;  // of the kernel that is loaded now; empty when the file does not say
  std::vector<std::string> warnings;
};

// Checks everything before the call, because the call frees the old image before it looks at the new one
// (kernel/kexec_file.c). An error says what failed, and whether this machine is armed now.
Result<LoadReport> load_kernel(const LoadRequest& request, const SystemPaths& paths);

// Fine when nothing was loaded.
Result<> unload_kernel(bool crash, const SystemPaths& paths);

}  // namespace lifeboat
