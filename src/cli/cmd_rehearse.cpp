// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat rehearse [--kernel FILE --modules DIR] [-o DIR]
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <ctime>

#include "loader/system_state.h"
#include "src/arming/kept_initramfs.h"
#include "src/arming/loaded_state.h"
#include "src/arming/rehearsal_record.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/text.h"
#include "src/cli/capture_kernel.h"
#include "src/cli/configuration.h"
#include "src/cli/rehearse_real.h"
#include "src/rehearse/record.h"
#include "src/rehearse/rehearse.h"

namespace lifeboat::cli {
namespace {

std::atomic<bool> interrupted = false;

// Ctrl-C ends the guest and removes what lies in temporary folders; a second one ends at once.
void catch_interrupts() {
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

Result<std::optional<rehearse::Accelerator>> parse_accelerator(const std::string& name) {
  if (name == "auto") return std::nullopt;
  if (name == "kvm") return rehearse::Accelerator::kvm;
  if (name == "tcg") return rehearse::Accelerator::tcg;
  return fail(ErrorCode::usage, "rehearse: '{}' is none of auto, kvm, tcg", name);
}

Result<uint64_t> size_option(const CommandLine& line, const char* name, uint64_t fallback) {
  return line.has(name) ? TRY_CONTEXT(parse_size(line.get(name)), "rehearse: --{}", name) : fallback;
}

Result<rehearse::RehearsalOptions> rehearsal_options(const CommandLine& line) {
  if (line.has("kernel") != line.has("modules"))
    return fail(ErrorCode::usage, "rehearse: --kernel and --modules belong together");
  utsname running{};
  if (::uname(&running) != 0) return fail_errno("uname");
  rehearse::RehearsalOptions options;
  options.kernel = line.get("kernel", fmt::format("/boot/vmlinuz-{}", running.release));
  options.module_folder = line.get("modules", fmt::format("/lib/modules/{}", running.release));
  options.out = line.get("output", "lifeboat-rehearsal");
  options.init = line.get("init");
  options.memory = TRY(size_option(line, "memory", options.memory));
  options.disk_size = TRY(size_option(line, "disk-size", 0));
  if (options.memory < 256_MiB || options.memory > 1024_GiB)
    return fail(ErrorCode::usage, "rehearse: --memory must lie between 256M and 1024G");
  options.cpus = line.get("cpus", options.cpus);
  if (options.cpus < 1 || options.cpus > 255)
    return fail(ErrorCode::usage, "rehearse: --cpus must lie between 1 and 255");
  options.crashkernel = line.get("crashkernel", options.crashkernel);
  options.cpu_model = line.get("cpu-model");
  options.accelerator = TRY(parse_accelerator(line.get("accel", "auto")));
  if (line.has("level")) options.levels = TRY(parse_levels(line.get("level")));
  if (line.has("compress")) options.compression = TRY(parse_compression_choice(line.get("compress")));
  options.copy_elf = line.has("copy-elf");
  if (line.has("target-uuid")) options.target_uuid = line.get("target-uuid");
  if (line.has("timeout")) {
    const int seconds = line.get("timeout", 0);
    if (seconds < 1) return fail(ErrorCode::usage, "rehearse: --timeout is a number of seconds");
    options.limits.total = std::chrono::seconds(seconds);
  }
  return options;
}

// Without --kernel it is this very machine that is rehearsed: its capture kernel, the initramfs that is
// loaded with it, or would be, and the command line that it is given.
Result<> rehearse_this_machine(const CommandLine& line, rehearse::RehearsalOptions& options) {
  const auto config = TRY(read_config(line));
  const auto kernel = TRY(capture_kernel(config));
  options.kernel = kernel.path;
  options.module_folder = "/lib/modules/" + kernel.release;
  std::vector<std::string> notes;
  const std::string path = arming::initramfs_path(kernel.release);
  options.machine = {
      .initramfs = TRY_CONTEXT(
          arming::preview_initramfs(config, {.release = kernel.release, .init = options.init}, path, notes),
          "this machine"),
      .command_line = capture_command_line(config, TRY(read_text("/proc/cmdline"))),
  };
  for (const auto& note : notes) log::warning("{}", note);
  // With as much memory as is reserved here: another amount would prove nothing.
  const auto reserved = read_system_state(SystemPaths{}).crash_size;
  if (!line.has("crashkernel") && reserved && *reserved >= 1_MiB)
    options.crashkernel = fmt::format("{}M", *reserved / 1_MiB);
  return {};
}

// With any of these it is a trial of something else: what comes of it would mislead whoever asks about this
// machine.
bool is_as_configured(const CommandLine& line) {
  for (const char* option : {"config", "init", "memory", "cpus", "cpu-model", "crashkernel", "level",
                             "compress", "disk-size", "timeout", "target-uuid"}) {
    if (!line.has(option)) continue;
    log::info("this rehearsal is not noted for 'lifeboat check': --{} was given", option);
    return false;
  }
  return true;
}

// For `lifeboat check`. Only root's word on this machine counts, so that it fails for others is fine.
void remember(const rehearse::RehearsalResult& result, const rehearse::MachineCapture& machine) {
  const arming::RehearsalRecord record{.time = static_cast<uint64_t>(std::time(nullptr)),
                                       .release = result.release,
                                       .whole = result.whole,
                                       .problem = result.problem,
                                       .initramfs_digest = arming::digest_bytes({}, machine.initramfs).digest,
                                       .memory_reserved_kib = result.memory_reserved_kib,
                                       .memory_total_kib = result.memory_total_kib,
                                       .memory_lowest_kib = result.memory_lowest_kib};
  if (const auto saved = arming::save_rehearsal(record); !saved && ::geteuid() == 0)
    log::warning("cannot note this rehearsal: {}", saved.error().to_string());
}

}  // namespace

Result<int> run_rehearse(const Arguments& arguments) {
  CommandLine line(
      "rehearse", "[--kernel FILE --modules DIR] [-o DIR] [options] | --real [--yes]",
      "Crashes a kernel in a virtual machine, with a capture kernel loaded as on a real machine, fetches "
      "the\n"
      "dump and verifies it. Exit code 0 only when the dump is whole. DIR then holds vmcore, "
      "vmcore-dmesg.txt,\n"
      "capture.log, facts/ (what /proc said before the crash), both consoles, timings.json, result.json.\n"
      "Without --kernel: this machine's capture kernel, the initramfs and the command line that it is loaded "
      "with.\n"
      "With --real: no virtual machine; this machine is crashed, after a question, and after its restart\n"
      "'lifeboat collect' (lifeboat-collect.service) says whether the dump is whole.");
  // clang-format off
  line.options()
    ("kernel", Takes::text, "kernel image (default: /boot/vmlinuz of the running kernel)")
    ("modules", Takes::text, "its module tree (default: /lib/modules of the running kernel)")
    ("output,o", Takes::text, "new or empty folder for what is kept (default: lifeboat-rehearsal)")
    ("memory", Takes::text, "of the guest (default: 2G)")
    ("cpus", Takes::number, "of the guest (default: 2)")
    ("cpu-model", Takes::text, "as QEMU names it (default: host with KVM, else max)")
    ("crashkernel", Takes::text, "reservation of the guest (default: 256M, of this machine what it has)")
    ("level", Takes::text, "dump levels (default: 31, of this machine what it has)")
    ("compress", Takes::text, "none, zlib[:N], lzo, snappy or zstd[:N] (default: zstd, of this machine what it has)")
    ("accel", Takes::text, "auto, kvm or tcg (default: auto: KVM where it works)")
    ("disk-size", Takes::text, "of the guest's disk (default: enough)")
    ("timeout", Takes::number, "seconds for the guest, from power on to power off (default: 1200)")
    ("copy-elf", "also keep the whole vmcore, as vmcore.elf")
    ("target-uuid", Takes::text, "file system the capture kernel looks for (default: the guest's disk)")
    ("init", Takes::text, "the program lifeboat-init")
    ("real", "crash this machine itself")
    ("yes", "with --real: do not ask");
  // clang-format on
  add_config_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  if (line.has("real")) return rehearse_for_real(line);
  if (line.has("yes")) return fail(ErrorCode::usage, "rehearse: --yes goes with --real");
  auto options = TRY(rehearsal_options(line));
  if (!line.has("kernel")) TRY_VOID(rehearse_this_machine(line, options));
  catch_interrupts();
  // With --json stdout is for the document alone.
  const auto narrate = [](const std::string& text) { fmt::print(stderr, "{}\n", plain_lines(text)); };
  const auto result = TRY(rehearse::rehearse(options, narrate, interrupted));
  if (options.machine && is_as_configured(line)) remember(result, *options.machine);
  if (line.json()) {
    auto document = rehearse::result_json(result);
    document["timings"] = rehearse::timings_json(result);
    print_json(document);
  } else if (result.whole) {
    fmt::print("{}: whole, {}, {} pages checked\n", result.dump, format_size(result.dump_bytes),
               result.verdict.pages_checked);
  }
  if (!result.whole) {
    log::error("rehearsal of {} failed: {}\n  next: read the consoles in {}", result.release, result.problem,
               options.out);
  }
  return result.whole ? kDone : kFailed;
}

}  // namespace lifeboat::cli
