// SPDX-License-Identifier: GPL-2.0-or-later
// Which kernel captures: the configured one, else that of the running kernel.
#pragma once

#include <string>

#include "loader/system_state.h"
#include "src/config/config.h"

namespace lifeboat::cli {

struct CaptureKernel {
  std::string path;     // of its image
  std::string release;  // "6.12.117+deb12-amd64"
};
// Where the file does not say its release, or cannot be read, and it is not configured: the running kernel's.
Result<CaptureKernel> capture_kernel(const config::Config& config);

// Of the capture kernel: what of the running kernel's it takes over, what it needs, what the configuration
// adds, and `append`.
std::string capture_command_line(const config::Config& config, std::string_view running,
                                 const std::string& append = {});
// Which boot it belongs to: lifeboat-init names the crash by it. Empty: not known.
std::string boot_parameter(const SystemPaths& paths);

}  // namespace lifeboat::cli
