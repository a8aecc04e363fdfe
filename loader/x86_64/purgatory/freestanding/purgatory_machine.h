// SPDX-License-Identifier: GPL-2.0-or-later
// The error path: one message on the console, and a reset. Nothing here waits for a device without a limit.
#pragma once

#include <stdint.h>

namespace lifeboat::x86_64 {

// Writes the line on the UART at the I/O address (0: none), with its current settings, and at the top of the
// VGA text screen. A missing device is skipped.
void report(const char* line, uint16_t serial_port);

// By the chipset, then the keyboard controller, then a triple fault.
[[noreturn]] void reset_machine();

}  // namespace lifeboat::x86_64
