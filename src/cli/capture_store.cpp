// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/capture_store.h"

#include <nlohmann/json.hpp>

#include "capture/run/system_capture.h"
#include "capture/run/watchdog.h"
#include "src/cli/configuration.h"
#include "src/cli/outcome.h"
#include "src/collect/store_capture.h"

namespace lifeboat::cli {
namespace {

std::optional<std::string> given(const CommandLine& line, const char* name) {
  return line.has(name) ? std::optional(line.get(name)) : std::nullopt;
}

}  // namespace

Result<int> capture_into_store(const CommandLine& line, const std::string& source) {
  collect::StoreCapture capture{.source = source,
                                .folder = given(line, "store-folder"),
                                .level = given(line, "level"),
                                .compression = given(line, "compress")};
  if (line.has("then-act")) {
    TRY_VOID(collect::check_source_of_capture_kernel(source));
    capture.watchdogs = capture::kWatchdogFolder;
    capture::end_system_capture(collect::capture_in_capture_kernel(capture, read_config(line)));
  }
  const auto end = TRY(collect::capture_on_working_system(capture, read_config(line)));
  if (end.outcome == DumpOutcome::failed)
    return fail(ErrorCode::io, "cannot save {}; see the messages above", source);
  const bool whole = end.outcome == DumpOutcome::whole, log_only = end.outcome == DumpOutcome::log_only;
  if (line.json()) {
    print_json({{"folder", end.folder},
                {"whole", whole},
                {"outcome", outcome_name(end.outcome)},
                {"fell_back", end.fell_back},
                {"lost_pages", end.lost_pages}});
  } else if (whole) {
    fmt::print("{}: the dump is whole\n", end.folder);
  } else if (log_only) {
    fmt::print("{}: log and report; no dump\n", end.folder);
  }
  if (log_only && end.fell_back) report_too_small(end.folder);
  if (end.outcome == DumpOutcome::incomplete) {
    report_incomplete(fmt::format("{}/{}", end.folder, kIncompleteDumpFile),
                      end.lost_pages > 0 ? fmt::format("{} pages could not be read", end.lost_pages)
                                         : "the source itself is not whole");
  }
  return exit_code_of(end.outcome, end.fell_back);
}

}  // namespace lifeboat::cli
