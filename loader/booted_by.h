// SPDX-License-Identifier: GPL-2.0-or-later
// Which boot loader started this machine, by the marks that it left: EFI variables of the Boot Loader
// Interface, the type that it wrote into the kernel's header, parameters that it added to the command line.
#pragma once

#include <optional>
#include <string>

namespace lifeboat {

enum class LoaderFamily {
  grub,
  systemd_boot,
  firmware,  // it started a unified kernel image without a boot loader
  syslinux,  // also extlinux
  refind,
  limine,
  other,  // `evidence` has its name
};

struct BootedBy {
  std::optional<LoaderFamily> family;  // nullopt: no marks
  std::string evidence;                // "LoaderInfo: systemd-boot 257"
  // There are EFI variables, and no LoaderInfo: a systemd-boot or a rEFInd would have left its name there.
  bool efi = false;
  std::string release;  // of the running kernel; empty: not known
};

// Whether a name in an EFI variable shows it. A number in the kernel's header, or a parameter, may be that of
// the boot loader before a move to another one.
bool is_named(const BootedBy& booted);

// By SYS/firmware/efi, PROC/cmdline, PROC/sys/kernel.
BootedBy read_booted_by(const std::string& sys, const std::string& proc);

// For the system below `root`. For another root than / its own sys and proc count, if they are not those of
// the running system, which say nothing about the other one.
BootedBy booted_by_of(const std::string& root);

}  // namespace lifeboat
