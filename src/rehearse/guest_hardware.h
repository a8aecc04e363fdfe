// SPDX-License-Identifier: GPL-2.0-or-later
// The virtual hardware of a rehearsal: QEMU's names for a machine of the architecture that this program is
// built for. Each folder named after an architecture has its own; the build selects one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::rehearse {

struct GuestHardware {
  std::string_view qemu;     // the program
  std::string_view package;  // of Debian, that has it
  std::string_view machine;  // -machine
  // The kernel's names of the serial ports that the two kernels write to, in QEMU's order.
  std::string_view guest_console, capture_console;
  // The parameter by which a capture kernel of the guest leaves the boot CPU alone
  // (LoadArchitecture::boot_cpu_parameter()); empty: none is needed.
  std::string_view boot_cpu;
};
const GuestHardware& guest_hardware();

// A program without an operating system that ends QEMU with a certain status.
struct AcceleratorProbe {
  std::vector<std::byte> program;  // of the file `image`
  std::string machine;             // -machine, without the accelerator
  std::vector<std::string> arguments;
  int proved = 0;  // QEMU's exit status when it ran
};
// `image` is the path of the file as QEMU reads it.
AcceleratorProbe accelerator_probe(const std::string& image);

}  // namespace lifeboat::rehearse
