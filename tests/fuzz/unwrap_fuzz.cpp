// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/unwrap.h"

// Takes off whatever is around the kernel: unified kernel images, zboot, all compressions. What comes out is
// a bare kernel within the limits, and can be described.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  constexpr UnwrapLimits kLimits{.depth = 4, .unpacked = 8_MiB};
  const auto* first = reinterpret_cast<const std::byte*>(data);
  KernelFile wrapped;
  wrapped.name = "fuzz";
  wrapped.bytes.assign(first, first + size);
  const auto file = unwrap_kernel(std::move(wrapped), kLimits);
  if (!file) return file.error().fix.empty() ? (__builtin_trap(), 0) : 0;
  if (!is_kernel(file->kind) || describe_kernel_file(*file).empty()) __builtin_trap();
  if (file->wrappers.size() > 2 * kLimits.depth || file->wrappers.empty() == file->fd.valid())
    __builtin_trap();
  if (file->bytes.size() > std::max<uint64_t>(size, kLimits.unpacked)) __builtin_trap();
  if (file->command_line && file->command_line->find_first_of("\n\t\r") != std::string::npos)
    __builtin_trap();
  if (file->release && file->release->find('/') != std::string::npos) __builtin_trap();
  return 0;
}
