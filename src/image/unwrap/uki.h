// SPDX-License-Identifier: GPL-2.0-or-later
// A unified kernel image: an EFI program whose sections are a kernel and what it needs
// (https://uapi-group.org/specifications/specs/unified_kernel_image/).
//
// One with several profiles is read as systemd-stub starts it by default: the sections before the
// first .profile are the base, those from there to the next .profile (profile 0) take precedence over it. Of
// several sections of one name in a profile the first counts.
#pragma once

#include <optional>
#include <string>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// The spans lie in the file that was read. A section that is empty counts as not there.
struct UkiParts {
  ByteSpan kernel;                          // .linux
  std::optional<ByteSpan> initramfs;        // .initrd
  std::optional<ByteSpan> microcode;        // .ucode: an initramfs to stand before the other
  std::optional<std::string> command_line;  // .cmdline: control characters made spaces, as the stub does
  std::optional<std::string> os_release;    // .osrel, up to the first NUL
  std::optional<std::string> release;       // .uname, printable, without "/"
};

Result<UkiParts> read_uki(ByteSpan file);

}  // namespace lifeboat
