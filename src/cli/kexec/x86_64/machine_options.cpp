// SPDX-License-Identifier: GPL-2.0-or-later
#if defined(__x86_64__)
#include "src/cli/kexec/machine_options.h"

#include <fmt/core.h>

#include "src/cli/kexec/options.h"

namespace lifeboat::cli::kexec {
namespace {

std::string check_port(const char* text) {
  const std::string_view value(text);
  const auto port = value.starts_with("0x") ? parse_address(text) : std::nullopt;
  if (value == "ttyS0" || value == "ttyS1" || (port && *port < 65536)) return {};
  return fmt::format("--serial={}: not a serial port; give ttyS0, ttyS1 or 0x3f8", value);
}

std::string check_baud(const char* text) {
  const auto baud = parse_address(text);
  if (baud && *baud >= 9600 && *baud <= 115200 && 115200 % *baud == 0) return {};
  return fmt::format("--serial-baud={}: give 9600, 19200, 38400, 57600 or 115200", text);
}

// kexec/arch/i386/include/arch/options.h of kexec-tools.
constexpr MachineOption kOptions[] = {
    {.name = "reset-vga",
     .remark = "--reset-vga changes nothing: the display is not touched before the new kernel starts"},
    {.name = "serial",
     .value = "PORT",
     .remark = "--serial changes nothing: purgatory prints on the standard serial ports of a PC",
     .check = check_port},
    {.name = "serial-baud",
     .value = "RATE",
     .remark = "--serial-baud changes nothing: the serial port keeps its speed",
     .check = check_baud},
    {.name = "console-vga",
     .remark = "--console-vga changes nothing: purgatory always reports a damaged kernel on the screen"},
    {.name = "console-serial",
     .remark =
         "--console-serial changes nothing: purgatory always reports a damaged kernel on the serial port"},
    {.name = "elf32-core-headers",
     .remark = "--elf32-core-headers changes nothing: the headers are 64-bit ones, which the tools for dumps "
               "of this architecture read"},
    {.name = "pass-memmap-cmdline",
     .remark =
         "--pass-memmap-cmdline changes nothing: the memory map is passed in the boot parameters, where "
         "every kernel that can be loaded reads it"},
    {.name = "reuse-video-type",
     .remark =
         "--reuse-video-type changes nothing: the current video mode is always passed to the new kernel"},
    {.name = "args-elf",
     .remark = "--args-elf changes nothing: a Linux kernel is started by the Linux boot protocol",
     .of_load = true},
    {.name = "args-none",
     .remark = "--args-none is not supported: a Linux kernel needs its boot parameters",
     .supported = false,
     .of_load = true},
    {.name = "module",
     .value = "STRING",
     .remark = "--module is not supported: it belongs to Multiboot kernels, which are not loaded",
     .supported = false,
     .of_load = true},
    {.name = "real-mode",
     .remark = "--real-mode is not supported: the kernel is entered in 64-bit mode",
     .supported = false,
     .of_load = true},
    {.name = "entry-32bit",
     .remark = "--entry-32bit is not supported: the kernel is entered in 64-bit mode",
     .supported = false,
     .of_load = true},
    {.name = "dtb",
     .value = "FILE",
     .remark = "--dtb is not supported: no device tree is passed on",
     .supported = false,
     .of_load = true},
};

}  // namespace

std::span<const MachineOption> machine_options() {
  return kOptions;
}

}  // namespace lifeboat::cli::kexec
#endif
