// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/file_capture.h"

#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <vector>

#include "capture/run/report_pages.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/inspect/report_text.h"
#include "src/store/store.h"
#include "src/vmcore/printk.h"

namespace lifeboat::capture {
namespace {

// Opened anew: it reads from the beginning what the capture may have read already.
Result<> save_log(const std::string& source_name, const std::string& dest, FileCapture& files) {
  const Destination to = TRY(open_destination(dest));
  const auto session = TRY(inspect::Session::open(source_name));
  if (!session.log())
    return std::unexpected(Error(session.log().error()).context("the crashed kernel's log"));
  TRY_VOID(write_small_file(to.folder.get(), to.name + "-dmesg.txt", format_log(*session.log())));
  files.log = dest + "-dmesg.txt";
  const inspect::Report report = inspect::make_report(session);
  TRY_VOID(write_small_file(to.folder.get(), to.name + "-report.txt",
                            inspect::report_text(report, source_name, inspect::Style(false))));
  files.report_text = dest + "-report.txt";
  const std::string json =
      inspect::report_json(report, source_name).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  TRY_VOID(write_small_file(to.folder.get(), to.name + "-report.json", json + "\n"));
  files.report_json = dest + "-report.json";
  return {};
}

// In a thread of its own, if there may be one and it can be started; else when they are asked for.
std::future<std::vector<uint64_t>> begin_to_find_pages(const std::string& source_name, bool in_thread) {
  const auto find = [&source_name] { return pages_of_report(source_name); };
  if (in_thread) {
    try {
      return std::async(std::launch::async, find);
    } catch (const std::system_error& error) {
      log::warning("a thread for the pages of the report cannot be started: {}", error.what());
    }
  }
  return std::async(std::launch::deferred, find);
}

// The report's pages are found while the memory is scanned, if there is a thread for it.
Result<CaptureReport> capture_with_report_first(Dump& source, const std::string& source_name,
                                                const std::string& dest, const CaptureOptions& options,
                                                Progress& progress) {
  auto pages = begin_to_find_pages(source_name, options.threads > 1);
  std::optional<std::vector<uint64_t>> found;  // for a second dump level, too
  CaptureOptions ordered = options;
  ordered.leading_pages = [&] {
    if (!found) found = pages.get();
    return *found;
  };
  return capture_file(source, source_name, dest, ordered, progress);
}

}  // namespace

Result<FileCapture> capture_to_files(Dump& source, const std::string& source_name, const std::string& dest,
                                     const CaptureOptions& options, Progress& progress) {
  FileCapture files;
  if (!options.levels.empty() && options.levels.front() == kNoDump) {
    files.report.outcome = DumpOutcome::log_only;
  } else {
    files.report = TRY(capture_with_report_first(source, source_name, dest, options, progress));
  }
  if (files.report.outcome == DumpOutcome::log_only) {
    TRY_VOID(save_log(source_name, dest, files));
  } else {
    files.dump = files.report.outcome == DumpOutcome::whole ? dest : dest + kIncompleteSuffix;
  }
  return files;
}

}  // namespace lifeboat::capture
