// SPDX-License-Identifier: GPL-2.0-or-later
// A rehearsal: boots a kernel in a virtual machine, loads a capture kernel, crashes it, captures it, then
// fetches and verifies the dump.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "capture/initramfs/initramfs.h"
#include "src/base/load_call.h"
#include "src/base/size.h"
#include "src/dump/dump_outcome.h"
#include "src/dump/levels.h"
#include "src/dump/verify.h"
#include "src/rehearse/guest_run.h"

namespace lifeboat::rehearse {

// What this machine loads for a crash.
struct MachineCapture {
  std::vector<std::byte> initramfs;  // as it is loaded, to the byte
  std::string command_line;          // of the capture kernel, whole, without kBootParameter
  LoadCall syscall = LoadCall::automatic;
};

struct RehearsalOptions {
  std::string kernel;         // its file
  std::string module_folder;  // its module tree: .../lib/modules/VERSION
  std::string out;            // a folder that does not exist yet, or is empty
  std::string init;           // lifeboat-init; empty: the installed one
  uint64_t memory = 2_GiB;
  uint64_t disk_size = 0;  // 0: what the memory can need
  int cpus = 0;            // of the guest; 0: as many as the capture kernel's need, at least 2
  // Of the capture kernel; unset: one, or what `machine` was made with. With several the guest crashes on its
  // last CPU, so that its boot CPU is not one of them.
  std::optional<unsigned> capture_cpus;
  std::string crashkernel = "256M";
  std::string cpu_model;                   // empty: the best the accelerator has
  std::optional<Accelerator> accelerator;  // unset: KVM when it works, else TCG
  // Unset: as in the machine's plan, else 31 and zstd.
  std::optional<std::vector<int>> levels;
  std::optional<CompressionChoice> compression;
  bool copy_elf = false;  // also keep the vmcore as it was (out/vmcore.elf)
  // Rehearse this machine. Its initramfs finds the guest's disk, and the drivers for that, in an archive
  // behind it; a console is added to its command line. All else is as it would be here.
  std::optional<MachineCapture> machine;
  GuestLimits limits;
  // The UUID that the capture kernel looks for; a test gives a wrong one.
  std::string target_uuid = "6c696665-626f-6174-8000-72656865617e";
};

struct RehearsalResult {
  bool whole = false;
  std::string problem;  // why it did not succeed
  // Of the dump. `whole` needs the dump's final name and a verdict that agrees; `log_only` the log, and the
  // report unless it is switched off.
  DumpOutcome outcome = DumpOutcome::failed;
  bool fell_back = false;  // the disk was too small at the first dump level
  std::string release;
  Accelerator accelerator = Accelerator::tcg;
  int boots = 0;  // guests started; more than one: the others ended before their /init
  std::vector<PhaseTime> phases;
  Seconds prepare{}, fetch{}, verify{};
  unsigned capture_cpus = 0;  // that ran in the capture kernel; 0: unknown
  // From the start of the capture kernel's /init to its end, and the dump alone; 0: unknown.
  Seconds capture{}, dump_time{};
  std::string dump;  // path; empty: none
  uint64_t dump_bytes = 0, initramfs_bytes = 0;
  // Of the capture kernel, by the crash's record (KiB): its RAM, MemTotal, the least MemAvailable; 0:
  // unknown.
  uint64_t memory_reserved_kib = 0, memory_total_kib = 0, memory_lowest_kib = 0;
  VerifyReport verdict;

  // What the first dump level asks for was saved: a whole dump, or with the level `none` no dump. (A whole
  // dump of a later level will do, too.)
  [[nodiscard]] bool succeeded() const {
    return whole || (outcome == DumpOutcome::log_only && !fell_back && problem.empty());
  }
};

// Reports progress: one line of text at a time.
using Narrator = std::function<void(const std::string&)>;

// Everything that is kept is in options.out: vmcore (or vmcore.incomplete), vmcore-dmesg.txt, capture.log,
// facts/, both consoles, timings.json, result.json; the consoles also when it fails. An Error when it could
// not be carried out: missing tools, kernel or modules, no disk space, interrupted.
Result<RehearsalResult> rehearse(const RehearsalOptions& options, const Narrator& narrate,
                                 const std::atomic<bool>& stop);

}  // namespace lifeboat::rehearse
