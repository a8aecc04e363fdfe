// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/capture_kernel.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>

#include "arm/initramfs_file.h"
#include "base/file.h"
#include "image/kernel_file.h"
#include "image/unwrap/unwrap.h"
#include "loader/command_line.h"

namespace lifeboat::cli {
namespace {

// Debian, Fedora (kernel-install) and others do not agree on where the running kernel's image lies.
std::string find_image(const std::string& release) {
  for (const auto& path : {"/boot/vmlinuz-" + release, "/lib/modules/" + release + "/vmlinuz"}) {
    if (::access(path.c_str(), F_OK) == 0) return path;
  }
  return "/boot/vmlinuz-" + release;
}

}  // namespace

Result<CaptureKernel> capture_kernel(const config::Config& config) {
  if (config.capture.kernel.empty()) {
    utsname names{};
    if (::uname(&names) != 0) return fail_errno("uname");
    return CaptureKernel{find_image(names.release), names.release};
  }
  const auto kernel = TRY_CONTEXT(open_kernel_file(config.capture.kernel), "[capture] kernel");
  std::string release = kernel_file_release(kernel);
  if (release.empty()) {
    return std::unexpected(
        Error(ErrorCode::unsupported, fmt::format("{} does not say its release", config.capture.kernel))
            .hint("name a bzImage as [capture] kernel"));
  }
  return CaptureKernel{config.capture.kernel, std::move(release)};
}

std::string capture_command_line(const config::Config& config, const SystemPaths& paths,
                                 std::string_view running, const std::string& append) {
  const auto id = read_line(paths.proc + "/sys/kernel/random/boot_id");
  std::string added = config.capture.append;
  for (const auto& more : {append, id ? std::string(kBootParameter) + *id : std::string()}) {
    if (!more.empty()) added += (added.empty() ? "" : " ") + more;
  }
  return crash_command_line({.reused = running, .append = added, .remove = config.capture.remove});
}

namespace {

Result<> make_initramfs(const config::Config& config, const std::string& release, const std::string& path,
                        std::vector<std::string>& notes) {
  const arm::Recipe recipe =
      TRY_CONTEXT(arm::make_recipe(config, {.release = release}), "the capture initramfs");
  notes.insert(notes.end(), recipe.warnings.begin(), recipe.warnings.end());
  const std::string reason = arm::staleness(recipe, path);
  if (reason.empty()) return {};
  std::error_code ignored;
  std::filesystem::create_directories(arm::kInitramfsFolder, ignored);
  TRY_VOID(arm::write_initramfs(recipe, path));
  notes.push_back(fmt::format("{} was made: {}", path, reason));
  return {};
}

}  // namespace

Result<std::string> fresh_initramfs(const config::Config& config, const std::string& release,
                                    std::vector<std::string>& notes) {
  std::string path = arm::initramfs_path(release);
  const auto made = make_initramfs(config, release, path, notes);
  if (made) return path;
  // An older one captures; none does not.
  if (::access(path.c_str(), R_OK) != 0) return std::unexpected(made.error());
  notes.push_back(fmt::format("the initramfs could not be made anew, an older one is loaded: {}",
                              made.error().to_string()));
  return path;
}

}  // namespace lifeboat::cli
