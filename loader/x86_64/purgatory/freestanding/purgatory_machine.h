// SPDX-License-Identifier: GPL-2.0-or-later
// The last resort: one line to whoever watches, and a reset. Nothing here waits for a device without a limit.
#pragma once

#include <stdint.h>

namespace lifeboat::x86_64 {

// Writes the line on the UART at the I/O address (0: none) as whoever used it last set it up, and on the top
// of the VGA text screen. A device that is not there is left alone.
void tell(const char* line, uint16_t serial_port);

// By the chipset, then the keyboard controller, then a triple fault.
[[noreturn]] void reset_machine();

}  // namespace lifeboat::x86_64
