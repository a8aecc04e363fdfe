// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/kexec/kexec.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>

#include "loader/reboot.h"
#include "src/arming/noted_load.h"
#include "src/base/log.h"
#include "src/base/log_sinks.h"
#include "src/base/text.h"
#include "src/cli/kexec/file_types.h"
#include "src/cli/kexec/options.h"
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
  const auto known = std::ranges::find(kexec::file_types(), type, &kexec::FileType::name);
  bool same = false;
  if (type == "uki") {
    same = unified;
  } else if (known != kexec::file_types().end()) {
    same = kernel.kind == known->kind && !unified;
  } else {
    return std::unexpected(
        Error(ErrorCode::unsupported, fmt::format("cannot load kernels of type {}", type))
            .hint(fmt::format("leave --type out, or give {}", kexec::recommended_types())));
  }
  if (same) return {};
  return std::unexpected(Error(ErrorCode::usage, fmt::format("{} is not of type {} but {}", kernel.name, type,
                                                             unified ? image_kind_name(ImageKind::uki)
                                                                     : image_kind_name(kernel.kind)))
                             .hint("leave --type out"));
}

// kexec_file_load(2) is missing or does not support the image: kexec-tools has an exit code of its own for
// that.
bool could_be_loaded_otherwise(int error_number) {
  return error_number == ENOSYS || error_number == EINVAL || error_number == ENOEXEC ||
         error_number == ENOTSUP;
}

Outcome<> load(const Options& options, const SystemPaths& paths) {
  if (auto good = arming::check_kexec_machine(options, read_system_state(paths)); !good)
    return failed(std::move(good).error(), kexec::kUsage);
  const auto initramfs = arming::kexec_initramfs(options, paths);
  if (!initramfs) return failed(initramfs.error(), kexec::kUsage);
  auto kernel = open_kernel_file(options.kernel);
  if (!kernel) return failed(std::move(kernel).error());
  if (options.type) {
    if (auto fits = check_type(*options.type, *kernel); !fits) return failed(std::move(fits).error());
  }
  auto request = arming::kexec_request(options, *kernel, *initramfs, paths);
  if (!request) return failed(std::move(request).error());
  if (options.no_efi) log::info("--noefi: 'noefi' is added to the command line");
  auto report = arming::load_and_note(*request, *kernel, paths);
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
  if (options.shutdown) return failed(reboot_by_shutdown());
  auto gone = reboot_now({.sync = options.sync, .network_down = options.network_down}, paths);
  if (!gone) return failed(std::move(gone).error());
  return {};
}

Outcome<> work(const Options& options, const SystemPaths& paths) try {
  if (options.unload) {
    auto unloaded = arming::unload_and_forget(options.crash, paths);
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
