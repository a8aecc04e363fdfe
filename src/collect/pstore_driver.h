// SPDX-License-Identifier: GPL-2.0-or-later
// The driver of pstore: what stores the last messages of a crash, and shows them in /sys/fs/pstore at the
// next boot. It may be a module that nothing has loaded yet. The kernel uses one at a time
// (fs/pstore/platform.c).
#pragma once

#include <string>

#include "src/base/error.h"

namespace lifeboat::collect {

struct PstoreHost {
  std::string sys = "/sys", proc = "/proc";
  std::string modprobe = "modprobe";
};

struct PstoreDriver {
  bool there = false;    // the kernel has pstore
  bool mounted = false;  // its file system
  std::string active;    // the driver in use: "efi_pstore", "erst"; empty: none
  // Without an active one: the module that this machine needs for one, by its firmware, its devices and the
  // kernel's command line ("efi_pstore", "ramoops"); empty: not known.
  std::string module;
  bool loaded = false;  // that module is, and yet no driver is active: it is switched off, or found nothing
};

PstoreDriver find_pstore_driver(const PstoreHost& host = {});

// Loads the module, if there is one that is not loaded; what /etc/modprobe.d forbids stays unloaded. Its
// records can be read when this returns. False: nothing was loaded, or it is not known to be; that is no
// failure, because not every kernel has such a module.
bool load_pstore_driver(const PstoreHost& host = {});

}  // namespace lifeboat::collect
