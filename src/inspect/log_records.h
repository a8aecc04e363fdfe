// SPDX-License-Identifier: GPL-2.0-or-later
// Chooses and prints records of the dumped kernel's log.
#pragma once

#include <optional>
#include <string>

#include "src/inspect/session.h"
#include "src/vmcore/printk.h"

namespace lifeboat::inspect {

struct LogFilter {
  uint8_t levels = 0xff;  // bit n: level n
  std::string text;       // that the record must contain; case is ignored. Empty: any
  [[nodiscard]] bool accepts(const LogRecord& record) const;
};

// "warn": that level and all that are worse; "err,warn": just these. Names as dmesg has them, or digits.
Result<uint8_t> parse_levels(std::string_view text);
std::string_view level_name(uint8_t level);

// When a record was written, by the clock of the machine: seconds since the epoch. The log counts from the
// boot; CRASHTIME, in whole seconds, is when it ended.
struct WallClock {
  double boot = 0;
  [[nodiscard]] double time_of(const LogRecord& record) const;
};
// Errors: no CRASHTIME, no record.
Result<WallClock> wall_clock(const Session& session);
// Seconds since the epoch: CRASHTIME, else the container's own time. Of a running kernel there is none.
Result<uint64_t> crash_time(const Session& session);

}  // namespace lifeboat::inspect
