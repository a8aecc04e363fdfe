// SPDX-License-Identifier: GPL-2.0-or-later
// What the architecture that this program is built for is called: by the kernel and packages, by firmware, by
// ELF and by the audit system. Each folder named after an architecture has its own; the build selects one.
#pragma once

#include <cstdint>
#include <string_view>

namespace lifeboat {

struct MachineNames {
  std::string_view kernel;  // of uname -m
  std::string_view efi;     // of UEFI and the Boot Loader Specification: "x64", "aa64"
  uint16_t elf = 0;         // e_machine: EM_*
  uint32_t audit = 0;       // AUDIT_ARCH_*, by which seccomp knows the numbers of system calls
};

const MachineNames& machine_names();

}  // namespace lifeboat
