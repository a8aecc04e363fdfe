// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel's log, one record a line, from which the kind of crash is derived.
#include "src/inspect/crash_summary.h"
#include "src/inspect/fault_address.h"
#include "src/inspect/signature.h"
#include "src/vmcore/x86_64/x86_64_architecture.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  std::vector<LogRecord> records;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty() && records.size() < 1000) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    LogRecord record;
    record.sequence = record.nanoseconds = records.size();
    record.text = line;
    records.push_back(std::move(record));
  }
  const inspect::CrashSummary crash = inspect::summarize_crash(x86_64::architecture(), records);
  // Every result is text of the log.
  if (crash.panic && crash.panic->empty()) __builtin_trap();
  if (crash.kind != inspect::CrashKind::unknown && crash.reason.empty()) __builtin_trap();
  if (inspect::kind_name(crash.kind).empty() || inspect::kind_explanation(crash.kind).empty())
    __builtin_trap();
  if (crash.fault_address &&
      inspect::explain_fault_address(x86_64::architecture(), PageSize(), *crash.fault_address).empty())
    __builtin_trap();
  for (const auto& record : records) (void)inspect::plain_function_name(record.text);
  return 0;
}
