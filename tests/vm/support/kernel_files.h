// SPDX-License-Identifier: GPL-2.0-or-later
// The same kernel in other wrappings than Debian's bzImage.
#pragma once

#include <string>
#include <vector>

#include "src/base/bytes.h"

namespace lifeboat::test {

std::vector<std::byte> gzipped(const std::string& path);

// The vmlinux that a bzImage unpacks when it starts (Documentation/arch/x86/boot.rst, payload_offset).
std::vector<std::byte> vmlinux_of(const std::string& bzimage);

// A unified kernel image: systemd's stub with the sections that it looks for.
std::vector<std::byte> unified_kernel_image(const std::string& bzimage, ByteSpan initramfs,
                                            const std::string& command_line, const std::string& release);

}  // namespace lifeboat::test
