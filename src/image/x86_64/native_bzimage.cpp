// SPDX-License-Identifier: GPL-2.0-or-later
#if defined(__x86_64__)
#include <algorithm>

#include "src/image/native_kernel.h"
#include "src/image/x86_64/bzimage.h"

namespace lifeboat {
namespace {

std::optional<Error> obstacle(const Result<>& capable) {
  return capable ? std::nullopt : std::optional(capable.error());
}

}  // namespace

const NativeFormat& native_format() {
  static constexpr NativeFormat kFormat{
      .kind = ImageKind::bzimage, .name = "bzImage", .build_path = "arch/x86/boot/bzImage"};
  return kFormat;
}

Result<NativeKernel> NativeKernel::parse(ByteSpan file, std::string_view name) {
  const BzImage image = TRY(BzImage::parse(file, name));
  return NativeKernel{.release = image.release(),
                      .memory_size = std::max<uint64_t>(image.init_size, image.kernel.size),
                      .alignment = image.kernel_alignment,
                      .longest_command_line = image.cmdline_size,
                      .no_kexec = obstacle(image.kexec_capable()),
                      .no_capture = obstacle(image.crash_capable())};
}

}  // namespace lifeboat
#endif
