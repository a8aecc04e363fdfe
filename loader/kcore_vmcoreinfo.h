// SPDX-License-Identifier: GPL-2.0-or-later
// VMCOREINFO of the running kernel, as the notes of /proc/kcore have it (fs/proc/kcore.c).
#pragma once

#include <string>

namespace lifeboat {

// Lines KEY=VALUE. Empty: this caller may not read it, lockdown hides it, or the kernel has no such note.
std::string read_kcore_vmcoreinfo(const std::string& proc);

}  // namespace lifeboat
