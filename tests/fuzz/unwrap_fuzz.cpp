// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/unwrap.h"

namespace {

using namespace lifeboat;

bool has_control(const std::optional<std::string>& line) {
  return line && line->find_first_of(std::string_view("\n\t\r\0", 4)) != std::string::npos;
}

// The input as an addon, and as an image with further profiles.
void read_parts(ByteSpan input) {
  const UkiParts image{.machine = 0x8664};
  const auto addon = read_uki_addon(input, image, AddonSignature::not_needed);
  if (addon && has_control(addon->command_line)) __builtin_trap();
  const auto parts = read_uki(input, 1);
  if (!parts) return;
  if (parts->profile_count < 2 || has_control(parts->command_line)) __builtin_trap();
  // Either the kernel itself or the path of a file.
  if (parts->kernel.empty() != parts->kernel_link.has_value()) __builtin_trap();
}

}  // namespace

// Takes off whatever is around the kernel: unified kernel images, zboot, all compressions. What comes out is
// a bare kernel within the limits, and can be described.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr UnwrapLimits kLimits{.depth = 4, .unpacked = 8_MiB};
  const auto* first = reinterpret_cast<const std::byte*>(data);
  KernelFile wrapped;
  wrapped.name = "fuzz";
  wrapped.bytes.assign(first, first + size);
  read_parts(wrapped.bytes);
  const UkiExtras extras{.profile = static_cast<unsigned>(size % 2), .addons = {{"addon", wrapped.bytes}}};
  const auto file = unwrap_kernel(std::move(wrapped), kLimits, extras);
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
