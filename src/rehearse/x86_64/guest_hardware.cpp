// SPDX-License-Identifier: GPL-2.0-or-later
#if defined(__x86_64__)
#include "src/rehearse/guest_hardware.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>

namespace lifeboat::rehearse {

const GuestHardware& guest_hardware() {
  static constexpr GuestHardware kHardware{.qemu = "qemu-system-x86_64",
                                           .package = "qemu-system-x86",
                                           .machine = "q35",
                                           .guest_console = "ttyS0",
                                           .capture_console = "ttyS1",
                                           // QEMU counts from 0, and starts with the first.
                                           .boot_cpu = "disable_cpu_apicid=0"};
  return kHardware;
}

AcceleratorProbe accelerator_probe(const std::string& image) {
  // A boot sector: mov al, 0x10; out 0xf4, al; then halt for ever. The device at port 0xf4 ends QEMU with
  // status 2 * 0x10 + 1.
  constexpr std::array<uint8_t, 8> kCode = {0xb0, 0x10, 0xe6, 0xf4, 0xfa, 0xf4, 0xeb, 0xfd};
  AcceleratorProbe probe{.program = std::vector<std::byte>(512),
                         .machine = "pc",
                         .arguments = {"-drive", fmt::format("if=ide,format=raw,file={}", image), "-device",
                                       "isa-debug-exit,iobase=0xf4,iosize=0x04"},
                         .proved = 33};
  for (size_t i = 0; i < kCode.size(); ++i) probe.program[i] = static_cast<std::byte>(kCode[i]);
  probe.program[510] = std::byte{0x55};
  probe.program[511] = std::byte{0xaa};
  return probe;
}

}  // namespace lifeboat::rehearse
#endif
