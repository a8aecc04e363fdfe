// SPDX-License-Identifier: GPL-2.0-or-later
// A guest that loads a capture kernel, panics, and saves its dump; and what must hold for every such dump.
#pragma once

#include <functional>
#include <string>

#include "tests/vm/support/kernel_guest.h"

namespace lifeboat::test {

// The first line of a guest's script: in a capture kernel it saves the dump, and nothing else is done.
inline constexpr const char* kCaptureFirst = "if [ -e /proc/vmcore ]; then capture_now; finish; fi\n";
// Loads /disk/boot/vmlinuz for a crash; more options follow.
inline constexpr const char* kLoadCrash =
    "lifeboat load /disk/boot/vmlinuz --crash --initrd /disk/boot/guest.img --append test.capture";

// What the capture kernel of a guest that is about to panic must do, to the end of the guest: come up, save
// the dump, power off. The dump must be whole, of a kernel `version` and of this panic, with the registers of
// `cpus` CPUs: those that were on line. Returns the path of the dump, which goes with the guest.
std::string expect_dump(Guest& guest, const std::string& version, int cpus);

struct CrashScene {
  GuestOptions guest;        // without its script; crashkernel= must be on the command line
  std::string load_options;  // of `lifeboat load KERNEL --crash`: "--syscall segments"
  std::string before_crash;  // lines of the script, between load and panic
  int cpus_in_dump = 1;
};

// A guest of one kernel, which also captures. Calls `look` with the dump, when the scene is over.
void play_crash(CrashScene scene, const std::function<void(const std::string& dump)>& look = {});

}  // namespace lifeboat::test
