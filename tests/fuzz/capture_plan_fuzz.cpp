// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/plan/capture_plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto plan = lifeboat::CapturePlan::parse({reinterpret_cast<const char*>(data), size});
  // What was accepted must survive being written and read again.
  if (plan && !lifeboat::CapturePlan::parse(plan->to_text())) __builtin_trap();
  return 0;
}
