// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/capture_cpus.h"

#include <algorithm>
#include <cmath>
#include <ranges>

#include "loader/command_line.h"
#include "loader/load_architecture.h"
#include "loader/machine.h"
#include "loader/memory_encryption.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/reservation/reserved.h"

namespace lifeboat::arming {
namespace {

constexpr std::string_view kUnknownBootCpu =
    "it is not known which CPU is the boot CPU, and a capture kernel on another one must not start it";
constexpr std::string_view kOnlineFix =
    "bring CPU 0 online (echo 1 >/sys/devices/system/cpu/cpu0/online), or set ";
constexpr std::string_view kConfidential =
    "a second kernel may be unable to start the CPUs of a confidential virtual machine";

// "0-3,8": the kernel's form of a set of CPUs. 0: the file cannot be read, or has another form.
unsigned present_cpus(const std::string& sys) {
  constexpr uint64_t kMax = 1U << 20;
  const std::string line = read_line(sys + "/devices/system/cpu/present").value_or("");
  uint64_t count = 0;
  for (const auto part : std::views::split(line, ',')) {
    const std::string_view range = trim({part.begin(), part.end()});
    const size_t dash = range.find('-');
    const auto first = parse_number(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_number(range.substr(dash + 1));
    if (!first || !last || *last < *first || *last > kMax) return 0;
    count += *last - *first + 1;
  }
  return static_cast<unsigned>(std::min(count, kMax));
}

std::string seconds_text(double seconds) {
  return fmt::format("{:.0f} s", std::ceil(seconds));
}

unsigned limited(unsigned count, unsigned present) {
  return present == 0 ? count : std::min(count, present);
}

// What the owner's own parameters say; nullopt: nothing.
std::optional<CaptureCpus> by_parameters(const config::Config& config, const std::string& append,
                                         const CpuFacts& facts) {
  const auto limit = cpu_limit(config.capture.append + " " + append);
  const bool removed = std::ranges::any_of(
      config.capture.remove, [](const std::string& name) { return parameter_name(name) == "nr_cpus"; });
  if (!limit && !removed) return std::nullopt;
  CaptureCpus cpus{.choice = CpuChoice::parameters, .boot_cpu = {}, .reason = {}, .problem = {}, .fix = {}};
  // Without a number the kernel starts all.
  cpus.wanted = limit.value_or(std::max(facts.present, 1u));
  cpus.count = limited(cpus.wanted, facts.present);
  cpus.reason = limit ? "set by parameters of the capture kernel's command line"
                      : "nr_cpus is removed from the capture kernel's command line: it uses all CPUs";
  const bool one = limit == 1u;
  if (!one && facts.boot_cpu) cpus.boot_cpu = *facts.boot_cpu;
  if (!one && !facts.boot_cpu) {
    cpus.problem = kUnknownBootCpu;
    cpus.fix = fmt::format("{}[capture] append = nr_cpus=1", kOnlineFix);
  } else if (!one && facts.confidential) {
    cpus.problem = kConfidential;
    cpus.fix = "set [capture] append = nr_cpus=1; or test it: lifeboat rehearse --real";
  }
  return cpus;
}

CaptureCpus as_configured(unsigned wanted, const CpuFacts& facts) {
  CaptureCpus cpus{.count = limited(wanted, facts.present),
                   .wanted = wanted,
                   .choice = CpuChoice::configured,
                   .boot_cpu = {},
                   .reason = "set by [capture] cpus",
                   .problem = {},
                   .fix = {}};
  if (cpus.count < wanted) cpus.reason = fmt::format("[capture] cpus = {}; this machine has no more", wanted);
  if (cpus.count == 1) return cpus;
  if (!facts.boot_cpu) {
    cpus.count = 1;
    cpus.problem = fmt::format("one CPU instead of {}: {}", wanted, kUnknownBootCpu);
    cpus.fix = fmt::format("{}[capture] cpus = 1", kOnlineFix);
    return cpus;
  }
  cpus.boot_cpu = *facts.boot_cpu;
  if (!facts.confidential) return cpus;
  cpus.problem = kConfidential;
  cpus.fix = "set [capture] cpus = 1; or test it: lifeboat rehearse --real";
  return cpus;
}

// How many CPUs would bring the time down to kPatienceSeconds, of those that a crash on any CPU leaves.
unsigned useful_cpus(const CpuFacts& facts) {
  const double shares = std::ceil(facts.time.seconds / kPatienceSeconds);
  const bool one_stays_out = facts.boot_cpu && !facts.boot_cpu->empty();
  const unsigned usable = facts.present == 0 ? 1 : facts.present - (one_stays_out ? 1 : 0);
  return std::max(1u, std::min({static_cast<unsigned>(std::min(shares, 1e6)), usable, kMaxAutomaticCpus}));
}

CaptureCpus by_time(const DumpSettings& dump, const CpuFacts& facts, const FittingCpus& fitting) {
  const DumpTime& time = facts.time;
  const std::string with_one =
      time.seconds > 0 ? fmt::format("about {} with one ({})", seconds_text(time.seconds), time.source)
                       : time.source;
  CaptureCpus cpus{.boot_cpu = {}, .reason = with_one, .problem = {}, .fix = {}};
  if (time.seconds <= kPatienceSeconds) return cpus;
  if (dump.compression.compression == Compression::none) {
    cpus.reason += "; without compression the target's speed decides";
    return cpus;
  }
  cpus.wanted = useful_cpus(facts);
  if (cpus.wanted == 1) return cpus;
  if (facts.confidential || !facts.boot_cpu) {
    cpus.reason += fmt::format("; {}", facts.confidential ? kConfidential : kUnknownBootCpu);
    return cpus;
  }
  cpus.count = fitting ? std::clamp(fitting(cpus.wanted), 1u, cpus.wanted) : cpus.wanted;
  if (cpus.count > 1) cpus.boot_cpu = *facts.boot_cpu;
  if (cpus.count < cpus.wanted)
    cpus.reason += fmt::format(
        "; {} would be useful, the reservation has no memory for more (lifeboat reserve set auto, then "
        "reboot)",
        cpus.wanted);
  return cpus;
}

}  // namespace

CpuFacts read_cpu_facts(const config::Config& config, const SystemPaths& paths) {
  const auto ram = reservation::read_reserved(paths).ram;
  return {
      .present = present_cpus(paths.sys),
      .boot_cpu = this_architecture().boot_cpu_parameter(paths.proc),
      .confidential = read_memory_encryption(paths).kind == MemoryEncryption::guest,
      .time = expected_dump_time(config.dump, ram.value_or(0), running_page_size(), stored_records(config))};
}

CaptureCpus choose_cpus(const config::Config& config, const std::string& append, const CpuFacts& facts,
                        const FittingCpus& fitting) {
  if (auto own = by_parameters(config, append, facts)) return *std::move(own);
  if (config.capture.cpus != kAutomaticCpus) return as_configured(config.capture.cpus, facts);
  return by_time(config.dump, facts, fitting);
}

}  // namespace lifeboat::arming
