// SPDX-License-Identifier: GPL-2.0-or-later
// What this machine would boot by default: an entry of the Boot Loader Specification (UAPI.1), type 1
// (loader/entries/*.conf) or type 2 (EFI/Linux/*.efi, a unified kernel image), else the newest
// /boot/vmlinuz-VERSION with its initramfs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/base/error.h"

namespace lifeboat {

struct BootEntry {
  std::string id;                           // "debian-6.12.conf", "linux.efi", "vmlinuz-6.12"
  std::string title;                        // for messages
  std::string kernel;                       // path of the kernel file or the unified kernel image
  std::vector<std::string> initramfs;       // paths; empty for a unified kernel image
  std::optional<std::string> command_line;  // nullopt: a unified image's own, or (vmlinuz by version) unknown
  bool unified = false;                     // `kernel` is a unified kernel image
  std::string source;                       // the file or folder of the entry
  std::vector<std::string> notes = {};      // what the user should know of the choice, a line each
  std::vector<std::string> unset = {};      // GRUB variables that the entry uses and nothing sets
};

// Where the boot partitions are mounted; tests use other folders.
struct BootPaths {
  std::vector<std::string> roots = {"/efi", "/boot", "/boot/efi"};
  std::string sys = "/sys";
  std::string mountinfo = "/proc/self/mountinfo";
  std::string disks = "/dev/disk";
};

// All entries, best first: the order that systemd-boot shows (Boot Loader Specification, "Sorting"), and
// behind them kernels that have no entry, newest first. Entries that cannot be used (no kernel, another
// architecture, files missing, out of boot tries) are left out; `skipped` gets a line for each, with the
// reason.
std::vector<BootEntry> find_boot_entries(const BootPaths& paths, std::vector<std::string>* skipped = nullptr);

// The default. Where GRUB has a configuration and no other boot loader says that it started this system (EFI
// variable LoaderInfo): the entry that GRUB boots by it (grub_boot.h), or the error why that cannot be known
// or loaded. Else these are read in this order, and the first name that exists wins: the EFI variables
// LoaderEntryOneShot and LoaderEntryDefault, the `default` of loader.conf (globs all of them, as in
// systemd-boot), next_entry and saved_entry of a GRUB environment block without a grub.cfg. Else the first
// entry. A one-shot choice stays: only a boot loader clears it. `not_found` has the searched places, and why
// the found files cannot be used. A default that is named and not taken is in the notes of the entry.
Result<BootEntry> default_boot_entry(const BootPaths& paths);

// ROOT/vmlinuz-NAME with the initramfs of that name beside it (initrd.img-NAME, initramfs-NAME.img,
// initrd-NAME), whatever boot entries there are. `not_found` when one of the two is missing; `usage` for a
// name that is a path.
Result<BootEntry> named_kernel(const BootPaths& paths, const std::string& name);

}  // namespace lifeboat
