// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/elf_kernel.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  const auto kernel = ElfKernel::parse({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
  if (!kernel) return kernel.error().fix.empty() ? (__builtin_trap(), 0) : 0;
  // What was accepted lies inside of the file, in order, apart, and is entered where it has code.
  uint64_t end = 0;
  bool entered = false;
  for (const auto& segment : kernel->segments) {
    if (segment.offset > size || segment.file_size > size - segment.offset) __builtin_trap();
    if (segment.memory_size == 0 || segment.file_size > segment.memory_size) __builtin_trap();
    if (segment.physical < end || segment.memory_size > UINT64_MAX - segment.physical) __builtin_trap();
    end = segment.physical + segment.memory_size;
    entered = entered || (kernel->entry >= segment.physical && kernel->entry < end);
  }
  if (!entered || kernel->begin() >= kernel->end() || kernel->end() != end) __builtin_trap();
  return 0;
}
