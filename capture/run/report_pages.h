// SPDX-License-Identifier: GPL-2.0-or-later
// The page frames that the report of a crash reads: they come first in the dump, and are never left out.
#pragma once

#include <string>
#include <vector>

#include "src/dump/recording_dump.h"

namespace lifeboat::capture {

// A record in memory that is shared with child processes: what a child noted before it ended, however it
// ended, counts.
class SharedPageRecord {
 public:
  static Result<SharedPageRecord> create();
  SharedPageRecord(SharedPageRecord&& other) noexcept;
  SharedPageRecord& operator=(SharedPageRecord&&) = delete;
  SharedPageRecord(const SharedPageRecord&) = delete;
  SharedPageRecord& operator=(const SharedPageRecord&) = delete;
  ~SharedPageRecord();

  [[nodiscard]] PageRecord& record() const { return *record_; }

 private:
  explicit SharedPageRecord(PageRecord* record) : record_(record) {}
  PageRecord* record_;
};

// Makes the report of a dump and throws it away, for what it reads. Empty: no report can be made.
std::vector<uint64_t> pages_of_report(const std::string& path);

}  // namespace lifeboat::capture
