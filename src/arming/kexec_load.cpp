// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/kexec_load.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "loader/command_line.h"
#include "loader/memory_encryption.h"
#include "loader/obstacles.h"
#include "src/base/file.h"

namespace lifeboat::arming {
namespace {

// The initramfs of this boot, if the kernel kept it (init/initramfs.c).
Result<std::string> retained_initramfs(const SystemPaths& paths) {
  std::string path = paths.sys + "/firmware/initrd";
  if (::access(path.c_str(), F_OK) == 0) return path;
  return std::unexpected(
      Error(ErrorCode::not_found, "the running kernel did not keep the initramfs that it was booted with")
          .hint("give it with --initrd=/boot/initrd.img-RELEASE; or boot with retain_initrd on the command "
                "line (a kernel that has /sys/firmware/initrd)"));
}

// Unset: that of a unified kernel image, else an empty one.
Result<std::optional<std::string>> command_line_of(const KexecLoadOptions& options,
                                                   const SystemPaths& paths) {
  std::optional<std::string> line = options.append;
  if (options.reuse_command_line) {
    const std::string reused = TRY(read_text(paths.proc + "/cmdline"));
    const std::string append = options.append.value_or("");
    const CommandLineParts parts{
        .reused = reused,
        .append = append,
        .memory_encrypted = options.crash && read_memory_encryption(paths).kind != MemoryEncryption::none};
    line = options.crash ? bare_crash_command_line(parts) : normal_command_line(parts);
  }
  return line;
}

constexpr std::string_view kNoEfi = "noefi";

// The EFI data are passed to the new kernel anyway, because it finds ACPI through them. 'noefi' makes it call
// no EFI services.
void add_no_efi(LoadRequest& request, const KernelFile& kernel) {
  std::string line = request.command_line ? *request.command_line : kernel.command_line.value_or("");
  // A reused line may have it from the load before; in front, because behind "--" it would be for init.
  const auto parameters = split_parameters(line);
  const auto end = std::ranges::find(parameters, "--");
  if (std::find(parameters.begin(), end, kNoEfi) == end)
    line = std::string(kNoEfi) + (line.empty() ? "" : " " + line);
  request.command_line = std::move(line);
}

}  // namespace

Result<> check_kexec_machine(const KexecLoadOptions& options, const SystemState& state) {
  if (auto obstacle = xen_obstacle(state.xen)) return std::unexpected(*std::move(obstacle));
  if (options.crash && state.crash_size == 0u) {
    for (auto& obstacle : load_obstacles(state, true))
      if (obstacle.code == ErrorCode::not_found) return std::unexpected(std::move(obstacle));
  }
  if (options.hotplug && !state.elfcorehdr_size) {
    return std::unexpected(
        Error(ErrorCode::unsupported, "--hotplug: the running kernel does not follow CPU and memory hotplug")
            .hint("use a kernel with CONFIG_CRASH_HOTPLUG=y, or load again after each change"));
  }
  return {};
}

Result<std::optional<std::string>> kexec_initramfs(const KexecLoadOptions& options,
                                                   const SystemPaths& paths) {
  if (!options.reuse_initrd) return options.initrd;
  return TRY(retained_initramfs(paths));
}

Result<LoadRequest> kexec_request(const KexecLoadOptions& options, const KernelFile& kernel,
                                  const std::optional<std::string>& initramfs, const SystemPaths& paths) {
  LoadRequest request{.initramfs = {},
                      .command_line = TRY(command_line_of(options, paths)),
                      .crash = options.crash,
                      .call = options.call,
                      .memory_min = options.memory_min,
                      .memory_max = options.memory_max,
                      .verify = options.verify};
  if (initramfs) request.initramfs.push_back(*initramfs);
  if (options.no_efi) add_no_efi(request, kernel);
  return request;
}

}  // namespace lifeboat::arming
