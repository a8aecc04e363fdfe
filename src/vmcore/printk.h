// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's log: the lockless printk ring buffer (5.10 and later; kernel/printk/printk_ringbuffer.h).
// All offsets come from VMCOREINFO.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/vmcore/kernel_memory.h"

namespace lifeboat {

struct LogRecord {
  uint64_t sequence = 0;
  uint64_t nanoseconds = 0;  // since boot
  uint8_t facility = 0;      // syslog numbers
  uint8_t level = 0;
  std::optional<uint32_t> caller;  // thread id, or 0x80000000 + CPU; nullopt: not in VMCOREINFO
  std::string text;                // as the kernel stored it: may hold newlines and any byte
};

struct KernelLog {
  std::vector<LogRecord> records;
  // Records that were being written, were overwritten, lost their text or are invalid: skipped and counted.
  uint64_t unreadable = 0;
};

// A damaged ring yields what can be read; an Error only when the ring itself cannot be found.
// Every size taken from the dump is bounded (ring at most 2^24 descriptors, text at most 1 GiB).
Result<KernelLog> read_kernel_log(const KernelMemory& memory);

// "[    1.234567] text" as `makedumpfile --dump-dmesg` and dmesg print it: further lines of a record are
// indented, bytes that are no printable or space ASCII nor UTF-8 are written as \xNN (makedumpfile writes
// every byte from 0x80 on so, with stray f's in front, because its char has a sign). Ends in a newline.
//
// The caller of the record ("[      T1] ", "[      C0] ") is optional and comes behind the time: makedumpfile
// from 1.7.8 always prints it, dmesg only when the kernel does so itself (CONFIG_PRINTK_CALLER, for which
// there is no key).
enum class ShowCaller { no, yes };
// For output on a terminal or in a report, nothing in a record may control the terminal: see terminal_text().
// A carriage return at the end of a line is dropped then.
enum class LogReader { program, person };
std::string format_record(const LogRecord& record, ShowCaller show = ShowCaller::no,
                          LogReader reader = LogReader::program);
std::string format_log(const KernelLog& log);

}  // namespace lifeboat
