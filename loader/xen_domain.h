// SPDX-License-Identifier: GPL-2.0-or-later
// Whether this kernel runs under Xen, and can start another kernel there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/base/error.h"

namespace lifeboat {

enum class XenDomain {
  none,      // no Xen
  guest,     // a guest with hardware virtualisation (HVM, PVH): kexec works as on a machine
  pv_guest,  // a paravirtualised guest
  dom0,      // the domain that drives the machine, or controls the hypervisor
};
// "none", "guest", "pv-guest", "dom0"
std::string_view xen_domain_name(XenDomain domain);

// From SYS/hypervisor and PROC/xen.
XenDomain read_xen_domain(const std::string& sys, const std::string& proc);

// Where crashkernel= for a machine with Xen belongs.
inline constexpr std::string_view kXenCommandLine =
    "crashkernel= on Xen's own command line (GRUB_CMDLINE_XEN_DEFAULT or GRUB_CMDLINE_XEN in "
    "/etc/default/grub, then update-grub; without GRUB: options= in xen.cfg)";

// Why a kernel that is loaded in this domain would never start, with a hint. nullopt: it would.
std::optional<Error> xen_obstacle(XenDomain domain);

}  // namespace lifeboat
