// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/report_pages.h"

#include <sys/mman.h>

#include <new>
#include <utility>

#include "src/inspect/report.h"
#include "src/inspect/session.h"
#include "src/vmcore/dump_kernel.h"

namespace lifeboat::capture {

Result<SharedPageRecord> SharedPageRecord::create() {
  void* memory =
      ::mmap(nullptr, sizeof(PageRecord), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno("no memory for the list of the report's pages");
  // Only the counters: the pages behind them are zero, and take no memory before they are used.
  auto* record = static_cast<PageRecord*>(memory);
  record->count = 0;
  record->overflow = 0;
  return SharedPageRecord(record);
}

SharedPageRecord::SharedPageRecord(SharedPageRecord&& other) noexcept
    : record_(std::exchange(other.record_, nullptr)) {}

SharedPageRecord::~SharedPageRecord() {
  if (record_ != nullptr) ::munmap(record_, sizeof(PageRecord));
}

std::vector<uint64_t> pages_of_report(const std::string& path) try {
  auto dump = Dump::open(path);
  if (!dump || !check_machine(**dump, path)) return {};
  const uint64_t max_pfn = (*dump)->info().max_pfn;
  const auto record = std::make_unique<PageRecord>();
  const auto session = inspect::Session::over(std::make_unique<RecordingDump>(*std::move(dump), *record));
  [[maybe_unused]] const inspect::Report report = inspect::make_report(session);
  return record->checked(max_pfn);
} catch (const std::bad_alloc&) {
  // The dump does not depend on it.
  return {};
}

}  // namespace lifeboat::capture
