// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/capture_kernel.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "capture/plan/capture_plan.h"
#include "loader/command_line.h"
#include "src/base/file.h"
#include "src/image/kernel_file.h"
#include "src/image/native_kernel.h"
#include "src/image/unwrap/unwrap.h"

namespace lifeboat::arming {
namespace {

// Debian, Fedora (kernel-install) and others keep the running kernel's image at different paths.
std::string find_image(const std::string& release, const KernelFolders& folders) {
  const std::string in_boot = folders.boot + "/vmlinuz-" + release;
  const std::string in_modules = folders.modules + "/" + release + "/vmlinuz";
  const auto there = [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; };
  return !there(in_boot) && there(in_modules) ? in_modules : in_boot;
}

}  // namespace

Result<CaptureKernel> capture_kernel(const config::Config& config, const KernelFolders& folders) {
  if (config.capture.kernel.empty()) {
    utsname names{};
    if (::uname(&names) != 0) return fail_errno("uname");
    return CaptureKernel{find_image(names.release, folders), names.release};
  }
  const auto kernel = TRY_CONTEXT(open_kernel_file(config.capture.kernel), "[capture] kernel");
  std::string release = kernel_file_release(kernel);
  if (release.empty()) {
    return std::unexpected(Error(ErrorCode::unsupported,
                                 fmt::format("cannot find the kernel release in {}", config.capture.kernel))
                               .hint(fmt::format("set [capture] kernel to a {}", native_format().name)));
  }
  return CaptureKernel{config.capture.kernel, std::move(release)};
}

std::string capture_command_line(const config::Config& config, const CaptureLineInput& input) {
  const std::string added = config.capture.append + (input.append.empty() ? "" : " " + input.append);
  return crash_command_line({.reused = input.running,
                             .append = added,
                             .remove = config.capture.remove,
                             .memory_encrypted = input.encryption != MemoryEncryption::none,
                             .cpus = input.cpus.count,
                             .boot_cpu = input.cpus.boot_cpu});
}

std::string boot_parameter(const SystemPaths& paths) {
  const auto id = read_line(paths.proc + "/sys/kernel/random/boot_id");
  return id ? std::string(kBootParameter) + *id : std::string();
}

}  // namespace lifeboat::arming
