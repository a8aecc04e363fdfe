// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat rehearse [--kernel FILE --modules DIR] [-o DIR]
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>
#include <ranges>

#include "src/base/folders.h"
#include "src/base/log.h"
#include "src/base/text.h"
#include "src/cli/configuration.h"
#include "src/cli/rehearse_real.h"
#include "src/rehearse/record.h"
#include "src/rehearse/this_machine.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;

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

constexpr int kMaxCpus = 255;

// Of each rehearsal; one entry without a number: as this machine's load chooses.
using CpuNumbers = std::vector<std::optional<unsigned>>;

// "4", or "1,2,4".
Result<CpuNumbers> capture_cpus(const CommandLine& line) {
  if (!line.has("capture-cpus")) return CpuNumbers{std::nullopt};
  CpuNumbers numbers;
  const std::string text = line.get("capture-cpus");
  for (const auto part : std::views::split(text, ',')) {
    const auto number = parse_number(std::string_view(part.begin(), part.end()));
    if (!number || *number < 1 || *number >= kMaxCpus)
      return fail(ErrorCode::usage, "rehearse: --capture-cpus must be between 1 and {}", kMaxCpus - 1);
    if (std::ranges::find(numbers, std::optional(static_cast<unsigned>(*number))) != numbers.end())
      return fail(ErrorCode::usage, "rehearse: --capture-cpus names {} twice", *number);
    numbers.emplace_back(static_cast<unsigned>(*number));
  }
  if (numbers.empty()) return fail(ErrorCode::usage, "rehearse: --capture-cpus has no number");
  return numbers;
}

Result<int> guest_cpus(const CommandLine& line, const CpuNumbers& numbers) {
  if (!line.has("cpus")) return 0;
  const int cpus = line.get("cpus", 0);
  if (cpus < 1 || cpus > kMaxCpus)
    return fail(ErrorCode::usage, "rehearse: --cpus must be between 1 and {}", kMaxCpus);
  // The crash comes on another CPU than the boot CPU, which is left out then.
  const unsigned most = std::ranges::max(numbers).value_or(1);
  if (most > 1 && most >= static_cast<unsigned>(cpus)) {
    return std::unexpected(
        Error(ErrorCode::usage,
              fmt::format("rehearse: --capture-cpus {} needs a guest of at least {} CPUs", most, most + 1))
            .hint("leave out --cpus, or give that many"));
  }
  return cpus;
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

rehearse::RehearsalOptions with_cpus(rehearse::RehearsalOptions options, std::optional<unsigned> cpus) {
  options.capture_cpus = cpus;
  return options;
}

void print_capture_time(const rehearse::RehearsalResult& result) {
  if (result.capture_cpus == 0 || result.capture.count() <= 0) return;
  fmt::print("captured in {:.1f} s with {} CPU{}; the dump took {:.1f} s\n", result.capture.count(),
             result.capture_cpus, result.capture_cpus == 1 ? "" : "s", result.dump_time.count());
}

void print_text(const rehearse::RehearsalOptions& options, const rehearse::RehearsalResult& result) {
  if (result.whole) {
    fmt::print("{}: whole, {}, {} pages checked\n", result.dump, format_size(result.dump_bytes),
               result.verdict.pages_checked);
    print_capture_time(result);
  } else if (result.succeeded()) {
    fmt::print("{}: log and report are saved; no dump, as the dump level 'none' asks\n", options.out);
  }
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

struct Document {
  Json json;
  bool succeeded = false;
};

Result<Document> rehearse_once(const CommandLine& line, rehearse::RehearsalOptions options) {
  if (!line.has("kernel")) TRY_VOID(take_this_machine(line, options));
  // With --json stdout is for the document alone.
  const auto print_progress = [](const std::string& text) { fmt::print(stderr, "{}\n", plain_lines(text)); };
  const auto result = TRY(rehearse::rehearse(options, print_progress, interrupted));
  if (options.machine) record_for_check(line, result, *options.machine);
  Document document{.json = rehearse::result_json(result), .succeeded = result.succeeded()};
  document.json["timings"] = rehearse::timings_json(result);
  if (!line.json()) print_text(options, result);
  if (!result.succeeded()) {
    log::error("rehearsal of {} failed: {}\n  fix: read the consoles in {}", result.release, result.problem,
               options.out);
  }
  return document;
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
    ("capture-cpus", Takes::text, "CPUs of the capture kernel (default: 1; without --kernel as 'load --crash' chooses); several, as 1,2,4: a rehearsal with each, in DIR/cpus-N")
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
  const CpuNumbers numbers = TRY(capture_cpus(line));
  auto options = TRY(rehearsal_options(line));
  options.cpus = TRY(guest_cpus(line, numbers));
  catch_interrupts();
  if (numbers.size() == 1) {
    const auto document = TRY(rehearse_once(line, with_cpus(options, numbers.front())));
    if (line.json()) print_json(document.json);
    return document.succeeded ? kDone : kFailed;
  }
  // Each into a folder of its own.
  TRY_VOID(make_folders(options.out));
  const std::string folder = options.out;
  Json all = Json::array();
  bool succeeded = true;
  for (const auto& number : numbers) {
    options.out = fmt::format("{}/cpus-{}", folder, *number);
    auto document = TRY(rehearse_once(line, with_cpus(options, number)));
    succeeded = succeeded && document.succeeded;
    all.push_back(std::move(document.json));
  }
  if (line.json()) print_json({{"rehearsals", all}});
  return succeeded ? kDone : kFailed;
}

}  // namespace lifeboat::cli
