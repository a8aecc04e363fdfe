// SPDX-License-Identifier: GPL-2.0-or-later
// The virtual machine: QEMU's command line, and whether hardware acceleration really works.
#pragma once

#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/base/process.h"

namespace lifeboat::rehearse {

enum class Accelerator { kvm, tcg };
std::string_view accelerator_name(Accelerator accelerator);

struct VirtualMachine {
  std::string kernel, initramfs, command_line;
  std::string disk;  // raw image, seen as /dev/vda; empty: none
  std::string guest_console,
      capture_console;  // files for the output of the two serial ports; empty: no second
  uint64_t memory = 0;  // bytes
  int cpus = 2;
  std::string cpu_model;  // empty: the best that the accelerator has
  Accelerator accelerator = Accelerator::tcg;
  // All CPUs in one thread of QEMU: slower, but none sees another patch its own code half-way. Only with tcg.
  bool one_thread = false;
  std::vector<std::string> extra_arguments;  // appended to the others
};

// The path of the QEMU that runs guests of this architecture; `not_found` names the package to install.
Result<std::string> find_qemu();
std::vector<std::string> qemu_arguments(const std::string& qemu, const VirtualMachine& machine);

// Runs a program of a few bytes and checks its result. /dev/kvm may exist and open, and still not run a guest
// (no nested virtualisation). The program is written into `folder`.
Result<bool> accelerator_works(const std::string& qemu, Accelerator accelerator, const std::string& folder);

}  // namespace lifeboat::rehearse
