// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/log.h"

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "src/cli/inspect/view.h"
#include "src/inspect/log_records.h"

namespace lifeboat::cli {
namespace {

using nlohmann::ordered_json;

// As dmesg -T does it: the time in front instead of the seconds since the boot.
std::string with_wall_time(const LogRecord& record, const std::string& text,
                           const inspect::WallClock& clock) {
  const double seconds = std::max(clock.time_of(record), 0.0);
  return fmt::format("[{}]{}", inspect::format_utc(static_cast<uint64_t>(seconds)),
                     text.substr(text.find(']') + 1));
}

ordered_json record_json(const LogRecord& record) {
  return {{"sequence", record.sequence},
          {"seconds", static_cast<double>(record.nanoseconds) / 1e9},
          {"facility", record.facility},
          {"level", record.level},
          {"caller", record.caller ? ordered_json(*record.caller) : ordered_json()},
          {"text", record.text}};
}

}  // namespace

Result<int> view_log(const View& view) {
  TRY_VOID(view.expect_arguments("log", 0, 0));
  inspect::LogFilter filter;
  if (view.line.has("level")) filter.levels = TRY(inspect::parse_levels(view.line.get("level")));
  filter.text = view.line.get("grep");
  if (!view.session.log()) return std::unexpected(view.session.log().error());
  const KernelLog& log = *view.session.log();
  if (log.unreadable > 0) log::warning("{} records of the log are lost or cannot be read", log.unreadable);
  std::optional<inspect::WallClock> clock;
  if (view.line.has("ctime")) clock = TRY(inspect::wall_clock(view.session));
  const ShowCaller show = view.line.has("caller") ? ShowCaller::yes : ShowCaller::no;
  const LogReader reader = view.terminal ? LogReader::person : LogReader::program;

  ordered_json records = ordered_json::array();
  for (const auto& record : log.records) {
    if (!filter.accepts(record)) continue;
    if (view.json()) {
      records.push_back(record_json(record));
      if (clock) records.back()["time"] = clock->time_of(record);
    } else {
      // One record at a time: the whole text may be large.
      const std::string text = format_record(record, show, reader);
      std::cout << (clock ? with_wall_time(record, text, *clock) : text);
    }
  }
  if (view.json()) view.print(records);
  return kDone;
}

}  // namespace lifeboat::cli
