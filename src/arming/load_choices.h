// SPDX-License-Identifier: GPL-2.0-or-later
// What a load loads: the kernel, its initramfs and command line, and the system call. Chosen from what the
// user gave, the configuration, the boot entries and the running kernel. docs/loading.md has the rules.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "capture/initramfs/local_target.h"
#include "loader/entries/boot_entry.h"
#include "loader/load.h"
#include "src/arming/capture_kernel.h"
#include "src/arming/kept_initramfs.h"
#include "src/config/config.h"

namespace lifeboat::arming {

// What the user gave; the rest is chosen.
struct LoadOptions {
  bool crash = false;  // for the next panic; else for the next reboot
  std::string kernel;  // its path; empty: chosen
  // Instead of `kernel`: /boot/vmlinuz-NAME, with the initramfs of that name.
  std::optional<std::string> boot_name;
  // Empty: none, not even that of a unified kernel image. nullopt: chosen.
  std::optional<std::vector<std::string>> initramfs;
  std::optional<std::string> command_line;  // the whole one: the next two have no effect then
  std::optional<std::string> append;
  bool reuse_command_line = false;                 // the running kernel's, whatever the boot entry has
  std::optional<LoadCall> call;                    // unset: for a crash the configured one, else automatic
  std::optional<uint64_t> memory_min, memory_max;  // LoadRequest has their meaning
  bool verify = true;
  bool dry_run = false;  // nothing is changed: a stale initramfs is not rebuilt
};

// Of the machine; tests use other folders.
struct LoadPlaces {
  SystemPaths system;
  BootPaths boot;
  KernelFolders kernels;
  HostPaths host;
  std::string initramfs_folder = kInitramfsFolder;
};

// A load whose kernel file has been read.
struct PreparedLoad {
  KernelFile kernel;
  LoadRequest request;
  std::vector<std::string> notes;  // what was chosen for the user and is not obvious, a line each
};

// The entry that a load without options takes, its command line checked as such a load does; its notes name
// also the entries that would have been taken before it and cannot be loaded. `not_found`: the machine has no
// boot entries.
Result<BootEntry> usable_boot_entry(const BootPaths& boot, const SystemPaths& system);

// Without options a crash load takes the configured capture kernel with lifeboat's own initramfs, which is
// rebuilt when it is stale; another load takes the default boot entry. `config` is for crash loads only.
// `usage` for options that contradict each other, and when no command line is known; `corrupt` when that of
// the boot entry names no root file system.
Result<PreparedLoad> prepare_load(const LoadOptions& options, const config::Config& config,
                                  const LoadPlaces& places = {});

}  // namespace lifeboat::arming
