// SPDX-License-Identifier: GPL-2.0-or-later
// The CPU that firmware started, the boot CPU. A capture kernel that runs on another CPU must not start it:
// the INIT by which a kernel starts a CPU would send it into the firmware, which resets the machine or runs
// over the new kernel (Documentation/admin-guide/kdump/kdump.rst before Linux 6.9). Later kernels find it by
// themselves (check_for_real_bsp() in arch/x86/kernel/cpu/topology.c) and ignore the parameter.
#pragma once

#include <optional>
#include <string>

namespace lifeboat::x86_64 {

// "disable_cpu_apicid=0", from PROC/cpuinfo, or from PROC/cmdline if this kernel got it itself. A
// capture kernel that runs on this very CPU ignores it (generic_processor_info() in
// arch/x86/kernel/apic/apic.c). nullopt: the number is not known, because CPU 0 is offline or the file does
// not show it.
std::optional<std::string> boot_cpu_parameter(const std::string& proc);

}  // namespace lifeboat::x86_64
