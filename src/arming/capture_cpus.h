// SPDX-License-Identifier: GPL-2.0-or-later
// How many CPUs the capture kernel uses: [capture] cpus, or the owner's own parameters of its command line.
// Each costs memory of the reservation, and shortens a dump that takes long.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "loader/system_state.h"
#include "src/arming/dump_time.h"
#include "src/config/config.h"

namespace lifeboat::arming {

// Longer than this with one CPU: `auto` takes more.
inline constexpr double kPatienceSeconds = 60;
// And never more than this: one thread writes, and a disk takes no more than so many CPUs compress.
inline constexpr unsigned kMaxAutomaticCpus = 16;

enum class CpuChoice {
  automatic,   // by the time
  configured,  // [capture] cpus = N
  parameters,  // nr_cpus=, maxcpus= or nosmp that the owner appends, or nr_cpus in [capture] remove
};

struct CaptureCpus {
  unsigned count = 1;   // that the capture kernel may start, at least 1
  unsigned wanted = 1;  // that the owner, or the time, asks for
  CpuChoice choice = CpuChoice::automatic;
  // The parameter that keeps the boot CPU out (LoadArchitecture::boot_cpu_parameter()); empty: none is
  // needed.
  std::string boot_cpu;
  std::string reason;   // of the number, one clause
  std::string problem;  // what is not as the owner asks, or may not work; empty: nothing
  std::string fix;      // of the problem
};

// What the choice depends on besides the configuration.
struct CpuFacts {
  unsigned present = 0;                 // CPUs of this machine; 0: not known
  std::optional<std::string> boot_cpu;  // LoadArchitecture::boot_cpu_parameter()
  // A confidential virtual machine (memory_encryption.h): firmware may hand over each CPU once only
  // (acpi_mp_disable_offlining() in the kernel).
  bool confidential = false;
  DumpTime time;  // with one CPU
};
CpuFacts read_cpu_facts(const config::Config& config, const SystemPaths& paths);

// How many of `wanted` CPUs the reservation has memory for. May take seconds, so it is called only where the
// answer depends on it.
using FittingCpus = std::function<unsigned(unsigned wanted)>;

// `append`: parameters that go to the command line besides those of the configuration. `fitting` limits only
// what is chosen automatically; empty: no limit.
CaptureCpus choose_cpus(const config::Config& config, const std::string& append, const CpuFacts& facts,
                        const FittingCpus& fitting);

}  // namespace lifeboat::arming
