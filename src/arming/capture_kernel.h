// SPDX-License-Identifier: GPL-2.0-or-later
// Which kernel captures, the configured one or else the running one, and its command line.
#pragma once

#include <string>
#include <string_view>

#include "loader/memory_encryption.h"
#include "loader/system_state.h"
#include "src/arming/capture_cpus.h"
#include "src/config/config.h"

namespace lifeboat::arming {

// Where kernels are installed; tests use other folders.
struct KernelFolders {
  std::string boot = "/boot";
  std::string modules = "/lib/modules";
};

// When its file is missing or unusable.
inline constexpr std::string_view kCaptureKernelFix =
    "install that kernel's package again, or set [capture] kernel";

struct CaptureKernel {
  std::string path;     // of its image
  std::string release;  // "6.12.117+deb12-amd64"
};
// Without [capture] kernel: the running kernel, without a look at its file.
Result<CaptureKernel> capture_kernel(const config::Config& config, const KernelFolders& folders = {});

// What the capture kernel's command line depends on besides the configuration.
struct CaptureLineInput {
  std::string_view running;                              // command line of the running kernel
  MemoryEncryption encryption = MemoryEncryption::none;  // of the running kernel
  const CaptureCpus& cpus;
  std::string append;  // parameters that come last
};
// The capture kernel's command line: the parameters of the running kernel that it reuses, those that it
// needs, those that the configuration adds, and `append`.
std::string capture_command_line(const config::Config& config, const CaptureLineInput& input);
// The boot id of the running kernel: lifeboat-init records it with the crash. Empty: not known.
std::string boot_parameter(const SystemPaths& paths);

}  // namespace lifeboat::arming
