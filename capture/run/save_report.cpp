// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/save_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "capture/plan/capture_plan.h"
#include "capture/run/memory_figure.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/inspect/report_text.h"
#include "src/store/store.h"
#include "src/vmcore/dump_kernel.h"

namespace lifeboat::capture {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kStall = 30s;
constexpr std::chrono::seconds kTotal = 60s;
// Measured: 12 MiB for a small machine, most of it the kernel's types and unwind tables; the lists of tasks
// need more.
constexpr uint64_t kNeeded = 24_MiB;
constexpr uint64_t kMax = 64_MiB;
// What the dump will need of the same memory afterwards, and the kernel meanwhile.
constexpr uint64_t kKept = 8_MiB;

Result<inspect::Session> open_session(const std::string& vmcore, PageRecord* pages) {
  if (pages == nullptr) return inspect::Session::open(vmcore);
  auto dump = TRY(Dump::open(vmcore));
  TRY_VOID(check_machine(*dump, vmcore));
  return inspect::Session::over(std::make_unique<RecordingDump>(std::move(dump), *pages));
}

Result<> write_report(const std::string& vmcore, int folder_fd, PageRecord* pages, Heartbeat& heartbeat) {
  const auto begin = std::chrono::steady_clock::now();
  heartbeat.phase("report");
  const auto session = TRY(open_session(vmcore, pages));
  const inspect::Report report = inspect::make_report(session);
  heartbeat.beat();
  TRY_VOID(write_small_file(folder_fd, kReportTextFile,
                            inspect::report_text(report, vmcore, inspect::Style(false))));
  heartbeat.beat();
  // A crashed kernel's strings need not be UTF-8; the document must be.
  const std::string json =
      inspect::report_json(report, vmcore).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  TRY_VOID(write_small_file(folder_fd, kReportJsonFile, json + "\n"));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  log::info("report: {}, in {:.2f} s, {} of memory", inspect::kind_name(report.kind), took.count(),
            format_size(memory_figure("VmPeak:", "/proc/self/status")));
  return {};
}

}  // namespace

std::optional<uint64_t> report_memory(uint64_t available) {
  if (available < kNeeded + kKept) return std::nullopt;
  return std::min(available - kKept, kMax);
}

bool save_report(const std::string& vmcore, int folder_fd, Heartbeat& parent, PageRecord* pages) {
  // If MemAvailable is missing, only the maximum limits the report.
  const uint64_t figure = memory_figure("MemAvailable:", "/proc/meminfo");
  const uint64_t available = figure != 0 ? figure : kMax + kKept;
  const auto memory = report_memory(available);
  if (!memory) {
    log::info("no report: {} of memory are available, it may need {}; the dump has priority",
              format_size(available), format_size(kNeeded + kKept));
    return false;
  }
  // The child begins with all that this process has mapped: of the dynamic program far more than it uses.
  const ChildLimits limits{.stall = kStall,
                           .total = kTotal,
                           .address_space = memory_figure("VmSize:", "/proc/self/status") + *memory,
                           .expendable = true,
                           .parent = &parent};
  const Outcome outcome = supervise("report", limits, [&](Heartbeat& heartbeat) {
    return write_report(vmcore, folder_fd, pages, heartbeat);
  });
  if (outcome != Outcome::done) log::warning("the report is missing or incomplete; the capture continues");
  return outcome == Outcome::done;
}

}  // namespace lifeboat::capture
