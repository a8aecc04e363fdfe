// SPDX-License-Identifier: GPL-2.0-or-later
// What captures of this machine have recorded: the crashes in those targets that are mounted here and can be
// read.
#pragma once

#include <string>
#include <vector>

#include "src/config/config.h"
#include "src/store/crash_record.h"

namespace lifeboat::arming {

struct StoredRecord {
  CrashRecord record;
  CrashOutcome outcome = CrashOutcome::nothing;  // by the files beside it
  std::string path;                              // of the record
};

// Of each target the newest crash first. A target or a record that cannot be read is passed over: its figures
// would only make an estimate better.
std::vector<StoredRecord> stored_records(const config::Config& config);

}  // namespace lifeboat::arming
