// SPDX-License-Identifier: GPL-2.0-or-later
// Checks a load before the system call, which frees the old image.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loader/load.h"
#include "loader/plan.h"
#include "src/base/file.h"
#include "src/image/native_kernel.h"

namespace lifeboat {

// A checked request. The descriptors are passed to the kernel as they are: IMA reads their extended
// attributes, and the checked files are the loaded files.
struct CheckedLoad {
  std::string command_line;
  UniqueFd initramfs;  // the file itself when it was one, else a sealed memfd of all; not valid: none
  uint64_t initramfs_size = 0;
  std::string release;       // of the kernel; empty when its file has none
  bool by_file = false;      // kexec_file_load(2) is to be tried
  bool by_segments = false;  // kexec_load(2) is to be used, or tried after it
  // kexec_load(2) is used although the other call is possible: the running kernel is only asked whether it
  // accepts the file.
  bool prefers_segments = false;
  // Why kexec_load(2) cannot be used, when the request leaves the choice.
  std::optional<Error> no_segments;
  std::optional<LoadPlan> plan;  // made already, when kexec_load(2) is the only way
  std::vector<std::string> warnings;
};

// Fails for a kernel that the running kernel would refuse, or that could not run.
Result<CheckedLoad> check_load(const LoadRequest& request, const KernelFile& kernel, const SystemState& state,
                               const SystemPaths& paths);

// The segments of a load that was checked. Reads the initramfs, and this machine's tables below `paths`.
Result<LoadPlan> plan_checked_load(const LoadRequest& request, const KernelFile& kernel,
                                   const CheckedLoad& load, const SystemPaths& paths);

// The plan of a load by kexec_load(2): makes no call, changes nothing, and needs no privilege for readable
// files. Obstacles to a real load are in the plan's warnings.
Result<LoadPlan> dry_run(const LoadRequest& request, const KernelFile& kernel, const SystemPaths& paths);

// The minimum size of all that kexec_file_load(2) puts into the crash reservation.
uint64_t crash_memory_needed(const NativeKernel& kernel, uint64_t initramfs_size, const SystemState& state,
                             uint64_t page_size);

}  // namespace lifeboat
