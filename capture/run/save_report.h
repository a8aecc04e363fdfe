// SPDX-License-Identifier: GPL-2.0-or-later
// The report beside the dump: what `lifeboat inspect` prints, available within seconds and even when saving
// the dump fails.
#pragma once

#include <optional>
#include <string>

#include "capture/run/supervise.h"
#include "src/dump/recording_dump.h"

namespace lifeboat::capture {

// Reads `vmcore` (/proc/vmcore) and writes kReportTextFile and kReportJsonFile into the crash's folder, each
// whole and synced. In a child of its own with limits on time and memory: the capture continues even if the
// child fails. `parent` is that of the caller. False: there is no report; the log has the reason.
// `pages`, if it is not null, gets the page frames that the report read: shared memory.
bool save_report(const std::string& vmcore, int folder_fd, Heartbeat& parent, PageRecord* pages = nullptr);

// How much address space the report may use when so much memory is available (bytes); nullopt: too little,
// the dump needs it.
std::optional<uint64_t> report_memory(uint64_t available);

}  // namespace lifeboat::capture
