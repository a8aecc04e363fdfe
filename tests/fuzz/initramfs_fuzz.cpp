// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/cpio.h"
#include "capture/initramfs/overlay.h"

// An archive's entries lie in it, one behind the other, and end; its plan, through whatever compression, is
// read or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  const ByteSpan bytes = std::as_bytes(std::span(data, size));
  const std::byte* at = bytes.data();
  CpioReader reader(bytes);
  for (auto entry = reader.next(); entry && *entry; entry = reader.next()) {
    const ByteSpan contents = (*entry)->contents;
    if (contents.data() < at || contents.data() + contents.size() > bytes.data() + bytes.size())
      __builtin_trap();
    at = contents.data() + contents.size();
  }
  const auto plan = initramfs_plan(bytes);
  if (!plan && plan.error().to_string().empty()) __builtin_trap();
  return 0;
}
