// SPDX-License-Identifier: GPL-2.0-or-later
#if defined(__x86_64__)
#include "src/base/machine_names.h"

#include <elf.h>
#include <linux/audit.h>

namespace lifeboat {

const MachineNames& machine_names() {
  static constexpr MachineNames kNames{
      .kernel = "x86_64", .efi = "x64", .elf = EM_X86_64, .audit = AUDIT_ARCH_X86_64};
  return kNames;
}

}  // namespace lifeboat
#endif
