// SPDX-License-Identifier: GPL-2.0-or-later
// Which kernel captures: the configured one, else that of the running kernel.
#pragma once

#include <string>

#include "config/config.h"
#include "loader/system_state.h"

namespace lifeboat::cli {

struct CaptureKernel {
  std::string path;     // of its image
  std::string release;  // "6.12.117+deb12-amd64"
};
// Where the file does not say its release, or cannot be read, and it is not configured: the running kernel's.
Result<CaptureKernel> capture_kernel(const config::Config& config);

// Of the capture kernel: what of the running kernel's it takes over, what it needs, what the configuration
// adds, which boot it belongs to (lifeboat-init names the crash by it), and `append`.
std::string capture_command_line(const config::Config& config, const SystemPaths& paths,
                                 std::string_view running, const std::string& append = {});

// Makes the initramfs of that kernel, if the one that is there is not what it should be. Returns its path.
// When it cannot be made (a full disk, a target that is away) the old one stays good enough. `notes` gets
// what was done and why.
Result<std::string> fresh_initramfs(const config::Config& config, const std::string& release,
                                    std::vector<std::string>& notes);

}  // namespace lifeboat::cli
