// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/vmcoreinfo.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto info = lifeboat::Vmcoreinfo::parse(text);
  if (!info) return 0;
  // What was accepted has a release, and every kind of question has an answer or none.
  if (info->release().empty()) __builtin_trap();
  for (const char* name : {"a", "page", "prb", "page.flags", ""}) {
    (void)info->symbol(name);
    (void)info->offset(name);
    (void)info->size(name);
    (void)info->length(name);
    (void)info->number(name);
  }
  (void)info->crash_time();
  return 0;
}
