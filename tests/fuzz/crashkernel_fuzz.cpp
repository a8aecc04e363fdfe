// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/crashkernel.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat::reservation;
  const auto request = crashkernel_request({reinterpret_cast<const char*>(data), size});
  for (const auto& parameter : request.parameters) {
    for (const uint64_t ram : {uint64_t{0}, uint64_t{1} << 30, UINT64_MAX}) {
      for (const bool rounded : {false, true}) (void)parameter.size_for(ram, rounded);
    }
    if (!parse_crashkernel(parameter.text)) __builtin_trap();
  }
  return 0;
}
