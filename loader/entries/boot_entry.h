// SPDX-License-Identifier: GPL-2.0-or-later
// What this machine would boot by default: an entry of the Boot Loader Specification (UAPI.1), type 1
// (loader/entries/*.conf) or type 2 (EFI/Linux/*.efi, a unified kernel image), else the newest
// /boot/vmlinuz-VERSION (or kernel-VERSION) with its initramfs.
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
  std::vector<std::string> initramfs;       // paths; of a unified kernel image: those before its own
  std::optional<std::string> command_line;  // nullopt: a unified image's own, or (vmlinuz by version) unknown
  bool unified = false;                     // `kernel` is a unified kernel image
  std::string source;                       // the file or folder of the entry
  std::vector<std::string> notes = {};      // what the user should know of the choice, a line each
  std::string root = {};                    // the folder where its partition is mounted
  unsigned profile = 0;                     // of a unified kernel image that has several
  std::vector<std::string> extras = {};     // files of its `extra` lines: see uki_companions.h
  std::vector<std::string> unset = {};      // GRUB variables that the entry uses and nothing sets
  bool plain = false;                       // a kernel without a boot entry, found by its name alone
  // Of a default: entries that were left out, "FILE: reason", and that would have been taken before it.
  std::vector<std::string> skipped_before = {};
};

// Where the boot partitions are mounted; tests use other folders.
struct BootPaths {
  std::vector<std::string> roots = {"/efi", "/boot", "/boot/efi"};
  std::string sys = "/sys";
  std::string proc = "/proc";
  std::string mountinfo = "/proc/self/mountinfo";
  std::string disks = "/dev/disk";
};

// Whether a kernel that has no boot entry needs an initramfs beside it; without one it may be in the middle
// of its installation.
enum class InitramfsNeed { required, none };

// All entries, best first: the order that systemd-boot shows (Boot Loader Specification, "Sorting"), and
// behind them kernels that have no entry, newest first. Entries that cannot be used (no kernel, another
// architecture, files missing, out of boot tries) are left out; `skipped` gets a line for each, with the
// reason.
std::vector<BootEntry> find_boot_entries(const BootPaths& paths, std::vector<std::string>* skipped = nullptr,
                                         InitramfsNeed need = InitramfsNeed::required);

// The default, by the boot loader that started this machine (loader/booted_by.h):
// - GRUB, or not known: where it has a configuration, the entry that GRUB boots by it (grub_boot.h), or the
// error
//   why that cannot be known or loaded.
// - The firmware, which started a unified kernel image: one of EFI/Linux.
// - Others, and GRUB without a configuration: these are read in this order, and the first name that exists
// wins:
//   the EFI variables LoaderEntryOneShot and LoaderEntryDefault, the `default` of loader.conf (globs all of
//   them, as in systemd-boot), next_entry and saved_entry of a GRUB environment block without a grub.cfg.
//   Else the first entry. A one-shot choice stays: only a boot loader clears it.
// `not_found` has the searched places, and why the found files cannot be used; `unsupported`: an EFI variable
// names the boot loader, and nothing of its menu is in sight. `skipped` gets a line for each entry of the
// menu that was left out. A default that is named and not taken, and whatever makes the choice doubtful, is
// in the notes of the entry.
Result<BootEntry> default_boot_entry(const BootPaths& paths, std::vector<std::string>* skipped = nullptr,
                                     InitramfsNeed need = InitramfsNeed::required);

// ROOT/vmlinuz-NAME, kernel-NAME and the like, with the initramfs of that name beside it (initrd.img-NAME,
// initramfs-NAME.img, initramfs-NAME, initrd-NAME), whatever boot entries there are; or the unified kernel
// image EFI/Linux/NAME.efi. Of several, one with an initramfs; when none has one, `initramfs` is empty.
// `usage` for a name that is a path.
Result<BootEntry> named_kernel(const BootPaths& paths, const std::string& name);

// The folders of `paths` that exist, each once: /efi may be a link to /boot.
std::vector<std::string> distinct_boot_roots(const BootPaths& paths);

}  // namespace lifeboat
