// SPDX-License-Identifier: GPL-2.0-or-later
// /var/lib/lifeboat/reserve.json: which crashkernel= lifeboat has set where a file cannot have a mark of ours
// (boot entries, command line files, another tool's settings), what it replaced, and what remains to be run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/reservation/file_edit.h"

namespace lifeboat::reservation {

struct ReserveRecord {
  std::string boot_loader;  // boot_loader_name() of the last setting; empty: boot entries
  std::vector<std::string>
      values;  // all that were ever set: new entries are copies of old ones; last: current
  std::map<std::string, std::vector<std::string>> replaced;  // by place: what a forced setting replaced
  // Shell commands that have not run yet, without which the boot loader does not use the last setting.
  std::vector<std::string> pending;
  bool removed = false;  // the last setting was "none", and waits for `pending`

  // Whether one of our settings has this parameter ("crashkernel=256M").
  [[nodiscard]] bool is_ours(const std::string& parameter) const;
  // Makes `value` the current one; empty: none.
  void set(const std::string& value);
  [[nodiscard]] bool operator==(const ReserveRecord&) const = default;
};

// An invalid record counts as missing: all parameters are then those of others.
ReserveRecord parse_record(const std::optional<std::string>& text);
std::string record_text(const ReserveRecord& record);
ReserveRecord read_record(const std::string& root);

// The edit of the record's file below `root`; `after` is not set yet.
Result<FileEdit> record_edit(const std::string& root);

// The value that was set last by a record, if it has not been removed.
std::optional<std::string> remembered_value(const std::string& root);

}  // namespace lifeboat::reservation
