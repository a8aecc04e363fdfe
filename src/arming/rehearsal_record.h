// SPDX-License-Identifier: GPL-2.0-or-later
// The last rehearsal of this machine, in a virtual machine or for real: /var/lib/lifeboat/rehearsal.json. And
// the pending rehearsal, which a rehearsal for real records before it crashes the machine, and which the next
// boot resolves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "src/arming/loaded_state.h"
#include "src/base/error.h"

namespace lifeboat::arming {

inline constexpr const char* kRehearsalFile = "/var/lib/lifeboat/rehearsal.json";
inline constexpr const char* kPendingRehearsalFile = "/var/lib/lifeboat/rehearsal-for-real.json";

struct RehearsalRecord {
  uint64_t time = 0;      // seconds since the epoch
  bool real = false;      // the machine itself was crashed
  std::string release;    // of the capture kernel
  bool whole = false;     // its dump
  bool log_only = false;  // no dump was to be saved, and log and report were
  std::string problem;    // why it did not succeed
  std::string
      initramfs_digest;  // LoadedFile::digest of the capture initramfs that was tried; empty: not known
  // Of the capture kernel, as in the crash's record; 0: not measured.
  uint64_t memory_reserved_kib = 0, memory_total_kib = 0, memory_lowest_kib = 0;
  unsigned cpus = 0;  // of the capture kernel; 0: not recorded

  // What the first level of [dump] level asks for was saved.
  [[nodiscard]] bool succeeded() const { return whole || log_only; }
};
Result<> save_rehearsal(const RehearsalRecord& record, const std::string& path = kRehearsalFile);
std::optional<RehearsalRecord> read_rehearsal(const std::string& path = kRehearsalFile);

// Written before the crash: the boot that is about to be crashed. Synced, with its folder.
struct PendingRehearsal {
  uint64_t time = 0;
  std::string boot_id, release, initramfs_digest;
};
// From what is loaded now (`loaded`); without it the running kernel's release is used as the capture
// kernel's.
PendingRehearsal pending_rehearsal_of(uint64_t now, const std::string& boot_id,
                                      const std::string& running_release,
                                      const std::optional<LoadedState>& loaded);
Result<> save_pending_rehearsal(const PendingRehearsal& pending,
                                const std::string& path = kPendingRehearsalFile);
std::optional<PendingRehearsal> read_pending_rehearsal(const std::string& path = kPendingRehearsalFile);
Result<> forget_pending_rehearsal(const std::string& path = kPendingRehearsalFile);

}  // namespace lifeboat::arming
