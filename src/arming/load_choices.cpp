// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/load_choices.h"

#include "loader/command_line.h"
#include "loader/memory_encryption.h"
#include "src/base/file.h"
#include "src/image/unwrap/unwrap.h"

namespace lifeboat::arming {
namespace {

// The addresses and the check of the digest are for kexec_load alone: asking for them asks for that call.
Result<> choose_call(const LoadOptions& options, LoadRequest& request) {
  request.call = options.call;
  request.verify = options.verify;
  request.memory_min = options.memory_min.value_or(request.memory_min);
  request.memory_max = options.memory_max.value_or(request.memory_max);
  if (request.memory_min >= request.memory_max)
    return fail(ErrorCode::usage, "load: there is no memory between --mem-min and --mem-max");
  const bool placed = options.memory_min || options.memory_max;
  if (!placed && request.verify) return {};
  if (request.call == LoadCall::file) {
    return std::unexpected(
        Error(ErrorCode::usage,
              "load: --mem-min, --mem-max and --no-checks are for kexec_load; with kexec_file_load "
              "they have no effect")
            .hint("leave out --syscall, or give --syscall segments"));
  }
  request.call = LoadCall::segments;
  return {};
}

struct ChosenKernel {
  std::string path;
  std::optional<BootEntry> entry;  // whose initramfs and command line belong to it
};

Result<ChosenKernel> choose_kernel(const LoadOptions& options, const config::Config& config,
                                   const LoadPlaces& places, std::vector<std::string>& notes) {
  if (options.boot_name) {
    if (!options.kernel.empty()) return fail(ErrorCode::usage, "load: give KERNEL or --boot-name, not both");
    BootEntry named = TRY(named_kernel(places.boot, *options.boot_name));
    const std::string path = named.kernel;
    // A capture kernel has an initramfs of its own.
    if (options.crash) return ChosenKernel{path, std::nullopt};
    return ChosenKernel{path, std::move(named)};
  }
  if (!options.kernel.empty()) return ChosenKernel{options.kernel, std::nullopt};
  if (options.crash) return ChosenKernel{TRY(capture_kernel(config, places.kernels)).path, std::nullopt};
  BootEntry entry = TRY(default_boot_entry(places.boot));
  notes.push_back(fmt::format("the default boot entry is '{}' ({})", entry.title, entry.source));
  const std::string path = entry.kernel;
  return ChosenKernel{path, std::move(entry)};
}

// The capture initramfs of that kernel, rebuilt when it is stale.
Result<std::string> capture_initramfs(const LoadOptions& options, const KernelFile& kernel,
                                      const config::Config& config, const LoadPlaces& places,
                                      std::vector<std::string>& notes) {
  const std::string release = kernel_file_release(kernel);
  if (release.empty()) {
    return std::unexpected(
        Error(ErrorCode::not_found, fmt::format("cannot find the kernel release in {}", kernel.name))
            .hint("give its capture initramfs with --initrd"));
  }
  std::string path = initramfs_path(release, places.initramfs_folder);
  if (options.dry_run) return path;
  RecipeRequest request{.release = release, .module_folder = {}, .init = {}, .host = places.host};
  TRY_VOID(refresh_initramfs(config, request, path, notes));
  return path;
}

Result<std::vector<std::string>> choose_initramfs(const LoadOptions& options, const ChosenKernel& chosen,
                                                  const KernelFile& kernel, const config::Config& config,
                                                  const LoadPlaces& places, std::vector<std::string>& notes) {
  if (options.initramfs) return *options.initramfs;
  if (chosen.entry) return chosen.entry->initramfs;
  if (!options.crash) return std::vector<std::string>{};
  return std::vector{TRY(capture_initramfs(options, kernel, config, places, notes))};
}

// For the next reboot.
Result<std::string> choose_normal_command_line(const LoadOptions& options, const ChosenKernel& chosen,
                                               const KernelFile& kernel, const SystemPaths& paths,
                                               std::vector<std::string>& notes) {
  const bool reuse = options.reuse_command_line;
  std::optional<std::string> base;
  if (!reuse && chosen.entry) base = chosen.entry->command_line;
  // A unified kernel image's own.
  if (!reuse && !base) base = kernel.command_line;
  if (!base && (reuse || chosen.entry)) {
    base = TRY(read_text(paths.proc + "/cmdline"));
    if (!reuse) notes.emplace_back("the boot entry has no command line: using that of the running kernel");
  }
  if (!base && !options.append) {
    return std::unexpected(
        Error(ErrorCode::usage, "load: the new kernel's command line is missing")
            .hint("give --reuse-cmdline for that of the running kernel, or --append or --command-line"));
  }
  return normal_command_line({.reused = base.value_or(""), .append = options.append.value_or("")});
}

Result<std::string> choose_command_line(const LoadOptions& options, const ChosenKernel& chosen,
                                        const KernelFile& kernel, const config::Config& config,
                                        const SystemPaths& paths, std::vector<std::string>& notes) {
  if (options.command_line) return *options.command_line;
  if (!options.crash) return choose_normal_command_line(options, chosen, kernel, paths, notes);
  return capture_command_line(config, TRY(read_text(paths.proc + "/cmdline")),
                              read_memory_encryption(paths).kind,
                              options.append.value_or("") + " " + boot_parameter(paths));
}

}  // namespace

Result<PreparedLoad> prepare_load(const LoadOptions& options, const config::Config& config,
                                  const LoadPlaces& places) {
  PreparedLoad load;
  load.request.crash = options.crash;
  TRY_VOID(choose_call(options, load.request));
  const ChosenKernel chosen = TRY(choose_kernel(options, config, places, load.notes));
  auto kernel = open_kernel_file(chosen.path);
  // Nobody gave the name of this file: "name the kernel file" would not help.
  if (!kernel && options.crash && options.kernel.empty() && kernel.error().code == ErrorCode::not_found)
    kernel.error().fix = kCaptureKernelFix;
  load.kernel = TRY(std::move(kernel));
  load.request.initramfs = TRY(choose_initramfs(options, chosen, load.kernel, config, places, load.notes));
  load.request.command_line =
      TRY(choose_command_line(options, chosen, load.kernel, config, places.system, load.notes));
  return load;
}

}  // namespace lifeboat::arming
