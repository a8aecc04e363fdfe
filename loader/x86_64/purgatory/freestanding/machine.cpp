// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/x86_64/purgatory/freestanding/physical.h"
#include "loader/x86_64/purgatory/freestanding/purgatory_machine.h"

extern "C" [[noreturn]] void triple_fault();

namespace lifeboat::x86_64 {
namespace {

inline uint8_t read_port(uint16_t port) {
  uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}

inline void write_port(uint16_t port, uint8_t value) {
  asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

// A write to the port of the power-on self test takes about a microsecond on every PC; there is no reliable
// clock here.
void delay(unsigned microseconds) {
  constexpr uint16_t kDiagnosticPort = 0x80;
  for (; microseconds != 0; --microseconds) write_port(kDiagnosticPort, 0);
}

// 16550 UART
constexpr uint16_t kTransmit = 0;
constexpr uint16_t kLineStatus = 5;
constexpr uint8_t kHoldingEmpty = 0x20;
constexpr uint8_t kAllSent = 0x40;
constexpr uint8_t kNoDevice = 0xff;
// A character at 1200 baud takes 8 ms.
constexpr unsigned kTimeout = 50'000;  // microseconds

bool wait_for(uint16_t port, uint8_t status) {
  for (unsigned waited = 0; waited < kTimeout; ++waited) {
    const uint8_t line_status = read_port(port + kLineStatus);
    if (line_status == kNoDevice) return false;
    if ((line_status & status) != 0) return true;
    delay(1);
  }
  return false;
}

void write_serial(const char* text, uint16_t port) {
  for (; *text != '\0'; ++text) {
    if (!wait_for(port, kHoldingEmpty)) return;
    write_port(port + kTransmit, static_cast<uint8_t>(*text));
  }
  wait_for(port, kAllSent);
}

// The first two lines: the text, and blanks behind it, so that older text on the screen does not seem to be
// part of it.
void write_vga(const char* text) {
  constexpr uint64_t kTextMemory = 0xb8000;
  constexpr unsigned kCells = 2 * 80;
  constexpr uint16_t kWhiteOnRed = 0x4f00;
  auto* const cells = physical<volatile uint16_t>(kTextMemory);
  for (unsigned i = 0; i < kCells; ++i) {
    const auto character = static_cast<uint8_t>(*text != '\0' ? *text++ : ' ');
    cells[i] = kWhiteOnRed | character;
  }
}

constexpr unsigned kResetDelay = 20'000;  // microseconds

// The order of writes is that of Linux (arch/x86/kernel/reboot.c): select a hard reset, then do it.
void reset_by_chipset() {
  constexpr uint16_t kResetControl = 0xcf9;
  constexpr uint8_t kHardReset = 0x02, kFullReset = 0x0e;
  const uint8_t others = read_port(kResetControl) & static_cast<uint8_t>(~kFullReset);
  write_port(kResetControl, others | kHardReset);
  delay(50);
  write_port(kResetControl, others | kFullReset);
  delay(kResetDelay);
}

void reset_by_keyboard_controller() {
  constexpr uint16_t kController = 0x64;
  constexpr uint8_t kInputFull = 0x02, kPulseReset = 0xfe;
  for (unsigned waited = 0; waited < kResetDelay && (read_port(kController) & kInputFull) != 0; ++waited)
    delay(1);
  write_port(kController, kPulseReset);
  delay(kResetDelay);
}

}  // namespace

void report(const char* line, uint16_t serial_port) {
  write_vga(line);
  if (serial_port == 0) return;
  write_serial("\r\n", serial_port);
  write_serial(line, serial_port);
  write_serial("\r\n", serial_port);
}

void reset_machine() {
  reset_by_chipset();
  reset_by_keyboard_controller();
  triple_fault();
}

}  // namespace lifeboat::x86_64
