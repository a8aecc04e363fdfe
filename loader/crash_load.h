// SPDX-License-Identifier: GPL-2.0-or-later
// Loads a kernel by kexec_file_load(2), for a crash or for a reboot, and unloads it.
//
// The call frees the image that is loaded before it builds the new one. So everything that can be known beforehand is
// checked beforehand, and when the call fails all the same, the error says whether the machine is still armed.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "loader/system_state.h"

namespace lifeboat {

struct LoadRequest {
  std::string kernel;     // a bzImage
  std::string initramfs;  // empty: none
  std::string command_line;
  bool crash = true;
  // EBUSY: another load is under way. Tried again for so long.
  std::chrono::milliseconds busy_deadline{10'000};
};

struct LoadReport {
  std::string release;  // of the kernel that was loaded
  std::vector<std::string> warnings;
};

// Errors: what is wrong with the files, the machine (no reservation, loading disabled), or why the kernel refused.
Result<LoadReport> load_kernel(const LoadRequest& request, const SystemPaths& paths);

// Fine when none is loaded.
Result<> unload_kernel(bool crash, const SystemPaths& paths);

}  // namespace lifeboat
