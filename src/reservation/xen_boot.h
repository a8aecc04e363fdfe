// SPDX-License-Identifier: GPL-2.0-or-later
// Boot entries that start Xen, whose dom0 is Linux: memory for a crash is then reserved by Xen, from its own
// command line. crashkernel= of the Linux kernel has no effect there.
#pragma once

#include <string>

#include "src/base/error.h"

namespace lifeboat::reservation {

struct XenBoot {
  std::string xen_file;    // the first file with an entry that starts Xen; empty: none
  bool linux_too = false;  // there are entries that start Linux without it
};
// From the grub.cfg files below `root`.
XenBoot find_xen_boot(const std::string& root);

// For a crashkernel= that would reach no boot of Xen, with a hint. `xen_boot.xen_file` is not empty.
Error only_xen_boots(const XenBoot& xen_boot);
// The same where another boot gets it.
std::string xen_boots_too(const XenBoot& xen_boot);

// For a change on a machine that runs as Xen's dom0.
Error set_in_dom0();

}  // namespace lifeboat::reservation
