// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/store/crash_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto record = lifeboat::parse_crash_record(text);
  if (!record) record = lifeboat::CrashRecord{};
  lifeboat::take_report(*record, text);
  // Whatever a folder holds, what is written in its place can be read.
  if (!lifeboat::parse_crash_record(to_json_text(*record))) __builtin_trap();
  return 0;
}
