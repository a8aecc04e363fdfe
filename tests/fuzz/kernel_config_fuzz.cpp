// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/kernel_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = lifeboat::KernelConfig::parse({reinterpret_cast<const char*>(data), size});
  if (!config) return 0;
  if (config->size() > size) __builtin_trap();
  // One name is never both.
  if (config->builtin("CONFIG_A") && config->module("CONFIG_A")) __builtin_trap();
  if (config->enabled("CONFIG_A") && !config->value("CONFIG_A")) __builtin_trap();
  return 0;
}
