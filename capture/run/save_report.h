// SPDX-License-Identifier: GPL-2.0-or-later
// The report beside the dump: what `lifeboat inspect` will say of it, there within seconds and even when the
// dump does not come to be.
#pragma once

#include <optional>
#include <string>

#include "capture/run/supervise.h"

namespace lifeboat::capture {

// Reads `vmcore` (/proc/vmcore) and writes kReportTextFile and kReportJsonFile into the crash's folder, each
// whole and synced. In a child of its own that may not take long nor use much memory: whatever becomes of it,
// the dump goes on. `parent` is that of the caller. False: there is no report; the log says why.
bool save_report(const std::string& vmcore, int folder_fd, Heartbeat& parent);

// How much address space the report may take when so much memory is available (bytes); nullopt: too little,
// and the dump needs it more.
std::optional<uint64_t> report_memory(uint64_t available);

}  // namespace lifeboat::capture
