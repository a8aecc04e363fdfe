// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat rehearse [--kernel FILE --modules DIR] [-o DIR]
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <ctime>

#include "src/base/log.h"
#include "src/base/text.h"
#include "src/cli/configuration.h"
#include "src/cli/rehearse_real.h"
#include "src/rehearse/record.h"
#include "src/rehearse/this_machine.h"

namespace lifeboat::cli {
namespace {

std::atomic<bool> interrupted = false;

// Ctrl-C stops the guest and removes temporary folders; a second one ends the program at once.
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
  return fail(ErrorCode::usage, "rehearse: '{}' is not one of auto, kvm, tcg", name);
}

Result<uint64_t> size_option(const CommandLine& line, const char* name, uint64_t fallback) {
  return line.has(name) ? TRY_CONTEXT(parse_size(line.get(name)), "rehearse: --{}", name) : fallback;
}

Result<> take_cpus(const CommandLine& line, rehearse::RehearsalOptions& options) {
  constexpr int kMax = 255;
  if (line.has("cpus")) {
    options.cpus = line.get("cpus", 0);
    if (options.cpus < 1 || options.cpus > kMax)
      return fail(ErrorCode::usage, "rehearse: --cpus must be between 1 and {}", kMax);
  }
  if (!line.has("capture-cpus")) return {};
  const int cpus = line.get("capture-cpus", 0);
  if (cpus < 1 || cpus >= kMax)
    return fail(ErrorCode::usage, "rehearse: --capture-cpus must be between 1 and {}", kMax - 1);
  // The crash comes on another CPU than the boot CPU, which is left out then.
  if (options.cpus != 0 && cpus > 1 && cpus >= options.cpus) {
    return std::unexpected(
        Error(ErrorCode::usage,
              fmt::format("rehearse: --capture-cpus {} needs a guest of at least {} CPUs", cpus, cpus + 1))
            .hint("leave out --cpus, or give that many"));
  }
  options.capture_cpus = static_cast<unsigned>(cpus);
  return {};
}

Result<rehearse::RehearsalOptions> rehearsal_options(const CommandLine& line) {
  if (line.has("kernel") != line.has("modules"))
    return fail(ErrorCode::usage, "rehearse: give both --kernel and --modules, or none of them");
  rehearse::RehearsalOptions options;
  options.kernel = line.get("kernel");
  options.module_folder = line.get("modules");
  options.out = line.get("output", "lifeboat-rehearsal");
  options.init = line.get("init");
  options.memory = TRY(size_option(line, "memory", options.memory));
  options.disk_size = TRY(size_option(line, "disk-size", 0));
  if (options.memory < 256_MiB || options.memory > 1024_GiB)
    return fail(ErrorCode::usage, "rehearse: --memory must be between 256M and 1024G");
  TRY_VOID(take_cpus(line, options));
  options.crashkernel = line.get("crashkernel", options.crashkernel);
  options.cpu_model = line.get("cpu-model");
  options.accelerator = TRY(parse_accelerator(line.get("accel", "auto")));
  if (line.has("level")) options.levels = TRY(parse_levels(line.get("level")));
  if (line.has("compress")) options.compression = TRY(parse_compression_choice(line.get("compress")));
  options.copy_elf = line.has("copy-elf");
  if (line.has("target-uuid")) options.target_uuid = line.get("target-uuid");
  if (line.has("timeout")) {
    const int seconds = line.get("timeout", 0);
    if (seconds < 1) return fail(ErrorCode::usage, "rehearse: --timeout must be at least 1 second");
    options.limits.total = std::chrono::seconds(seconds);
  }
  return options;
}

void record_for_check(const CommandLine& line, const rehearse::RehearsalResult& result,
                      const rehearse::MachineCapture& machine) {
  const auto option = rehearse::option_that_differs([&](const std::string& name) { return line.has(name); });
  if (option) {
    log::info("this rehearsal is not recorded for 'lifeboat check': --{} was given", *option);
    return;
  }
  const auto recorded = rehearse::record_rehearsal(result, machine, static_cast<uint64_t>(std::time(nullptr)),
                                                   ::geteuid() == 0);
  if (!recorded) log::warning("cannot record this rehearsal: {}", recorded.error().to_string());
}

void print_capture_time(const rehearse::RehearsalResult& result) {
  if (result.capture_cpus == 0 || result.capture.count() <= 0) return;
  fmt::print("captured in {:.1f} s with {} CPU{}; the dump took {:.1f} s\n", result.capture.count(),
             result.capture_cpus, result.capture_cpus == 1 ? "" : "s", result.dump_time.count());
}

// Without --kernel.
Result<> take_this_machine(const CommandLine& line, rehearse::RehearsalOptions& options) {
  const auto reservation =
      line.has("crashkernel") ? rehearse::GuestReservation::given : rehearse::GuestReservation::as_here;
  std::vector<std::string> notes;
  TRY_VOID(rehearse::rehearse_this_machine(TRY(read_config(line)), reservation, options, notes));
  for (const auto& note : notes) log::warning("{}", note);
  return {};
}

}  // namespace

Result<int> run_rehearse(const Arguments& arguments) {
  CommandLine line(
      "rehearse", "[--kernel FILE --modules DIR] [-o DIR] [options] | --real [--yes]",
      "Crash a kernel in a virtual machine with a capture kernel loaded, as on a real machine, then fetch\n"
      "and verify the dump. Exit code 0 only when the dump is whole, or with the dump level 'none' when log\n"
      "and report are saved. DIR then holds vmcore, capture.log, vmcore-dmesg.txt, report.txt, facts/\n"
      "(files of /proc before the crash), both consoles, timings.json, result.json.\n"
      "Without --kernel: this machine's capture kernel, with its initramfs and command line.\n"
      "With --real: no virtual machine; crash this machine, after a question. After the restart,\n"
      "'lifeboat collect' (lifeboat-collect.service) reports whether the dump is whole.");
  // clang-format off
  line.options()
    ("kernel", Takes::text, "kernel to crash, with --modules (default: this machine's capture kernel)")
    ("modules", Takes::text, "module tree of --kernel")
    ("output,o", Takes::text, "new or empty folder for the results (default: lifeboat-rehearsal)")
    ("memory", Takes::text, "memory of the guest (default: 2G)")
    ("cpus", Takes::number, "CPUs of the guest (default: 2, or one more than its capture kernel uses)")
    ("capture-cpus", Takes::number, "CPUs of the capture kernel (default: 1; without --kernel as 'load --crash' chooses)")
    ("cpu-model", Takes::text, "CPU model, by its QEMU name (default: host with KVM, else max)")
    ("crashkernel", Takes::text, "reservation of the guest (default: 256M; without --kernel that of this machine)")
    ("level", Takes::text, "dump levels (default: 31; without --kernel those of this machine)")
    ("compress", Takes::text, "none, zlib[:N], lzo, snappy, zstd[:N] or auto (default: zstd; without --kernel that of this machine)")
    ("accel", Takes::text, "auto, kvm or tcg (default: auto, which is KVM where it works)")
    ("disk-size", Takes::text, "size of the guest's disk (default: large enough)")
    ("timeout", Takes::number, "seconds for the guest, from power on to power off (default: 1200)")
    ("copy-elf", "also keep the whole vmcore, as vmcore.elf")
    ("target-uuid", Takes::text, "file system that the capture kernel searches for (default: the guest's disk)")
    ("init", Takes::text, "the program lifeboat-init")
    ("real", "crash this machine itself")
    ("yes", "with --real: do not ask");
  // clang-format on
  add_config_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  if (line.has("real")) return rehearse_for_real(line);
  if (line.has("yes")) return fail(ErrorCode::usage, "rehearse: --yes goes with --real");
  auto options = TRY(rehearsal_options(line));
  if (!line.has("kernel")) TRY_VOID(take_this_machine(line, options));
  catch_interrupts();
  // With --json stdout is for the document alone.
  const auto print_progress = [](const std::string& text) { fmt::print(stderr, "{}\n", plain_lines(text)); };
  const auto result = TRY(rehearse::rehearse(options, print_progress, interrupted));
  if (options.machine) record_for_check(line, result, *options.machine);
  if (line.json()) {
    auto document = rehearse::result_json(result);
    document["timings"] = rehearse::timings_json(result);
    print_json(document);
  } else if (result.whole) {
    fmt::print("{}: whole, {}, {} pages checked\n", result.dump, format_size(result.dump_bytes),
               result.verdict.pages_checked);
    print_capture_time(result);
  } else if (result.succeeded()) {
    fmt::print("{}: log and report are saved; no dump, as the dump level 'none' asks\n", options.out);
  }
  if (!result.succeeded()) {
    log::error("rehearsal of {} failed: {}\n  fix: read the consoles in {}", result.release, result.problem,
               options.out);
  }
  return result.succeeded() ? kDone : kFailed;
}

}  // namespace lifeboat::cli
