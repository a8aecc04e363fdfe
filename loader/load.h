// SPDX-License-Identifier: GPL-2.0-or-later
// Loads a kernel for the next crash, or for the next reboot without firmware: by kexec_file_load(2) or,
// segment by segment, by kexec_load(2).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "loader/load_lock.h"
#include "loader/system_state.h"
#include "src/base/error.h"
#include "src/base/load_call.h"
#include "src/image/kernel_file.h"

namespace lifeboat {

struct LoadRequest {
  // Concatenated in this order, with the padding that the kernel needs. Empty: that of the unified kernel
  // image if the kernel was one, else none.
  std::vector<std::string> initramfs;
  // Unset: that of the unified kernel image, else an empty one.
  std::optional<std::string> command_line;
  bool crash = true;
  LoadCall call = LoadCall::automatic;
  // `segments` was not asked for by name: it follows from the limits below, or from `verify`.
  bool call_is_implied = false;
  // kexec_load only: every segment lies in [memory_min, memory_max).
  uint64_t memory_min = 0;
  uint64_t memory_max = UINT64_MAX;
  // kexec_load only: purgatory checks SHA-256 of the segments before it enters the kernel.
  bool verify = true;
  // Another load that is under way, ours or another program's, is waited for at most this long.
  std::chrono::milliseconds busy_deadline{60'000};
};

struct LoadReport {
  std::string release;  // of the kernel that is loaded now; empty when the file has none
  std::string command_line;
  LoadCall call = LoadCall::file;  // the one that worked: file or segments
  std::vector<std::string> warnings;
};

// Checks everything before the call, because the call frees the old image before it looks at the new one
// (kernel/kexec_file.c, kernel/kexec.c). The error has the cause, and whether a kernel is loaded now.
Result<LoadReport> load_kernel(const LoadRequest& request, const KernelFile& kernel, const SystemPaths& paths,
                               const LoadLock& held);
// Takes the lock first.
Result<LoadReport> load_kernel(const LoadRequest& request, const KernelFile& kernel,
                               const SystemPaths& paths);

// Fine when nothing was loaded.
Result<> unload_kernel(bool crash, const SystemPaths& paths, const LoadLock& held);
Result<> unload_kernel(bool crash, const SystemPaths& paths);

}  // namespace lifeboat
