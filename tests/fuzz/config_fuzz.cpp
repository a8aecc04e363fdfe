// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat::config;
  Config config;
  if (!apply_config(config, {reinterpret_cast<const char*>(data), size}, "fuzz")) return 0;
  // What was accepted must mean the same when it is written and read again.
  Config again;
  const std::string text = to_text(config);
  if (!apply_config(again, text, "again") || to_text(again) != text) __builtin_trap();
  return 0;
}
