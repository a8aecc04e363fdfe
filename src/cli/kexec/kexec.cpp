// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/kexec/kexec.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>

#include "loader/command_line.h"
#include "loader/obstacles.h"
#include "loader/reboot.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/log_sinks.h"
#include "src/base/text.h"
#include "src/cli/kexec/options.h"
#include "src/cli/noted_load.h"
#include "src/image/unwrap/unwrap.h"

namespace lifeboat::cli {
namespace {

using kexec::Options;

// An error with its exit code in kexec-tools.
struct Failure {
  int exit_code;
  Error error;
};
template <typename T = void>
using Outcome = std::expected<T, Failure>;

std::unexpected<Failure> failed(Error error, int exit_code = kexec::kFailed) {
  return std::unexpected(Failure{exit_code, std::move(error)});
}

// --type, by the names of the loaders in kexec-tools.
Result<> check_type(const std::string& type, const KernelFile& kernel) {
  const bool unified = std::ranges::find(kernel.wrappers, ImageKind::uki) != kernel.wrappers.end();
  bool same = false;
  if (type == "uki") {
    same = unified;
  } else if (type == "bzImage" || type == "bzImage64") {
    same = kernel.kind == ImageKind::bzimage && !unified;
  } else if (type == "elf-x86" || type == "elf-x86_64") {
    same = kernel.kind == ImageKind::elf_vmlinux && !unified;
  } else {
    return std::unexpected(Error(ErrorCode::unsupported, fmt::format("cannot load kernels of type {}", type))
                               .hint("leave --type out, or give bzImage64, elf-x86_64 or uki"));
  }
  if (same) return {};
  return std::unexpected(Error(ErrorCode::usage, fmt::format("{} is not of type {} but {}", kernel.name, type,
                                                             unified ? image_kind_name(ImageKind::uki)
                                                                     : image_kind_name(kernel.kind)))
                             .hint("leave --type out"));
}

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
Result<std::optional<std::string>> command_line_of(const Options& options, const SystemPaths& paths) {
  std::optional<std::string> line = options.append;
  if (options.reuse_command_line) {
    const std::string reused = TRY(read_text(paths.proc + "/cmdline"));
    const std::string append = options.append.value_or("");
    const CommandLineParts parts{.reused = reused, .append = append};
    line = options.crash ? bare_crash_command_line(parts) : normal_command_line(parts);
  }
  return line;
}

// The EFI data are passed to the new kernel anyway, because it finds ACPI through them. 'noefi' makes it call
// no EFI services.
void add_no_efi(LoadRequest& request, const KernelFile& kernel) {
  std::string line = request.command_line ? *request.command_line : kernel.command_line.value_or("");
  // In front: behind "--" it would be for init.
  request.command_line = "noefi" + (line.empty() ? "" : " " + line);
}

Outcome<> check_machine(const Options& options, const SystemState& state) {
  if (options.crash && state.crash_size == 0u) {
    for (auto& obstacle : load_obstacles(state, true))
      if (obstacle.code == ErrorCode::not_found) return failed(std::move(obstacle), kexec::kUsage);
  }
  if (options.hotplug && !state.elfcorehdr_size) {
    return failed(
        Error(ErrorCode::unsupported, "--hotplug: the running kernel does not follow CPU and memory hotplug")
            .hint("use a kernel with CONFIG_CRASH_HOTPLUG=y, or load again after each change"),
        kexec::kUsage);
  }
  return {};
}

Result<LoadRequest> make_request(const Options& options, const KernelFile& kernel, const SystemPaths& paths) {
  if (options.type) TRY_VOID(check_type(*options.type, kernel));
  LoadRequest request{.initramfs = {},
                      .command_line = TRY(command_line_of(options, paths)),
                      .crash = options.crash,
                      .call = options.call,
                      .memory_min = options.memory_min,
                      .memory_max = options.memory_max,
                      .verify = options.verify};
  if (options.initrd) request.initramfs.push_back(*options.initrd);
  if (options.no_efi) {
    add_no_efi(request, kernel);
    log::info("--noefi: 'noefi' is added to the command line");
  }
  return request;
}

// kexec_file_load(2) is missing or does not support the image: kexec-tools has an exit code of its own for
// that.
bool could_be_loaded_otherwise(int error_number) {
  return error_number == ENOSYS || error_number == EINVAL || error_number == ENOEXEC ||
         error_number == ENOTSUP;
}

Outcome<> load(const Options& options, const SystemPaths& paths) {
  if (auto good = check_machine(options, read_system_state(paths)); !good) return good;
  Options with_initramfs = options;
  if (options.reuse_initrd) {
    auto path = retained_initramfs(paths);
    if (!path) return failed(std::move(path).error(), kexec::kUsage);
    with_initramfs.initrd = *std::move(path);
  }
  auto kernel = open_kernel_file(options.kernel);
  if (!kernel) return failed(std::move(kernel).error());
  auto request = make_request(with_initramfs, *kernel, paths);
  if (!request) return failed(std::move(request).error());
  auto report = load_and_note(*request, *kernel, paths);
  if (!report) {
    const bool no_call =
        options.call == LoadCall::file && could_be_loaded_otherwise(report.error().sys_errno);
    return failed(std::move(report).error(), no_call ? kexec::kNoFileCall : kexec::kFailed);
  }
  for (const auto& warning : report->warnings) log::warning("{}", warning);
  const bool placed = options.memory_min != 0 || options.memory_max != UINT64_MAX;
  if (report->call == LoadCall::file && (placed || !options.verify))
    log::info(
        "--mem-min, --mem-max and --no-checks have no effect: the kernel was loaded by kexec_file_load(2)");
  log::debug("loaded {} {} by {}; command line: {}", options.kernel, report->release,
             load_call_name(report->call), report->command_line);
  return {};
}

// Becomes shutdown(8); returns only on failure.
Error become_shutdown() {
  for (const char* path : {"/sbin/shutdown", "/etc/shutdown", "/bin/shutdown"})
    ::execl(path, "shutdown", "-r", "now", static_cast<char*>(nullptr));
  return errno_error(errno, "cannot run shutdown(8); the kernel is loaded")
      .hint("reboot with 'systemctl kexec', or at once with 'kexec -e'");
}

int status(const Options& options, const SystemPaths& paths) {
  const auto loaded = read_system_state(paths).loaded(options.crash);
  if (loaded) return *loaded ? kexec::kLoaded : kexec::kDone;
  log::error(
      "cannot read from /sys whether a kernel is loaded\n  fix: mount /sys; the running kernel needs "
      "CONFIG_KEXEC=y or CONFIG_KEXEC_FILE=y{}",
      options.crash ? " and CONFIG_CRASH_DUMP=y" : "");
  return kexec::kFailed;
}

Outcome<> go(const Options& options, const SystemPaths& paths) {
  if (read_system_state(paths).normal_loaded == false) {
    return failed(
        Error(ErrorCode::not_found, "Nothing has been loaded!").hint("kexec -l KERNEL --initrd=FILE"),
        kexec::kUsage);
  }
  if (options.shutdown) return failed(become_shutdown());
  auto gone = reboot_now({.sync = options.sync, .network_down = options.network_down}, paths);
  if (!gone) return failed(std::move(gone).error());
  return {};
}

Outcome<> work(const Options& options, const SystemPaths& paths) try {
  if (options.unload) {
    auto unloaded = unload_and_forget(options.crash, paths);
    if (!unloaded) return failed(std::move(unloaded).error());
  }
  if (options.load) {
    if (auto loaded = load(options, paths); !loaded) return loaded;
  }
  if (options.shutdown || options.exec) return go(options, paths);
  return {};
} catch (const std::bad_alloc&) {
  return failed(errno_error(ENOMEM, "the load failed").hint("free memory, and try again"));
}

int print_to_stdout(const std::string& text) {
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? kexec::kDone : kexec::kFailed;
}

}  // namespace

int run_kexec(int argc, char** argv) {
  log::set_sinks({log::stderr_sink("kexec")});
  const auto options = kexec::parse_options(argc, argv);
  if (!options) {
    const auto& refusal = options.error();
    if (!refusal.message.empty()) log::error("{}", refusal.message);
    if (refusal.show_usage) print_to_stdout(kexec::usage_text());
    return refusal.exit_code;
  }
  if (options->debug) log::set_level(log::Level::debug);
  for (const auto& note : options->notes) log::info("{}", note);
  const SystemPaths paths;
  switch (options->ask) {
    case Options::Ask::help:
      return print_to_stdout(kexec::usage_text());
    case Options::Ask::version:
      return print_to_stdout(kexec::version_text());
    case Options::Ask::crash_size:
      return print_to_stdout(fmt::format("{}\n", read_system_state(paths).crash_size.value_or(0)));
    case Options::Ask::work:
      break;
  }
  if (options->status) return status(*options, paths);
  const auto done = work(*options, paths);
  if (done) return kexec::kDone;
  log::error("{}", done.error().error.to_string());
  return done.error().exit_code;
}

}  // namespace lifeboat::cli
