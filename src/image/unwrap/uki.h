// SPDX-License-Identifier: GPL-2.0-or-later
// A unified kernel image: an EFI program whose sections are a kernel and what it needs
// (https://uapi-group.org/specifications/specs/unified_kernel_image/).
//
// The sections before the first .profile are the base; those from there to the next .profile (profile 0) take
// precedence over it, or those of another profile that was chosen. Of several sections of one name in a
// profile the first counts.
//
// An image of lanzaboote holds in place of kernel and initramfs their paths, with a digest each
// (rust/uefi/stub/src/thin.rs of that project; its first versions had other names for the sections).
#pragma once

#include <array>
#include <optional>
#include <string>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/image/unwrap/pe.h"

namespace lifeboat {

// What is longer is no path in a section.
inline constexpr size_t kLongestUkiPath = 1024;

// A file beside the image, in the same file system.
struct UkiLink {
  std::string path;  // from the root of that file system, with slashes
  std::array<std::byte, 32> sha256{};
};

// The spans lie in the file that was read. A section that is empty counts as not there.
struct UkiParts {
  ByteSpan kernel;                          // .linux; empty: `kernel_link` names it
  std::optional<ByteSpan> initramfs;        // .initrd
  std::optional<UkiLink> kernel_link;       // .linux with .linuxh, or .kernelp with .kernelh
  std::optional<UkiLink> initramfs_link;    // .initrd with .initrdh, or .initrdp with .initrdh
  std::optional<ByteSpan> microcode;        // .ucode: an initramfs to stand before the other
  std::optional<std::string> command_line;  // .cmdline: control characters made spaces, as the stub does
  std::optional<std::string> os_release;    // .osrel, up to the first NUL
  std::optional<std::string> release;       // .uname, printable, without "/"
  std::optional<std::string> profile;       // .profile, up to the first NUL: lines NAME=VALUE
  unsigned profile_count = 0;               // 0: it has only its base
  uint16_t machine = 0;                     // as in PeFile
  bool has_device_tree = false;             // .dtb or .dtbauto
};

// `not_found`: there is no such profile.
Result<UkiParts> read_uki(ByteSpan file, unsigned profile = 0);
// The same of a file whose headers were read: the sections of `pe` lie in `file`.
Result<UkiParts> read_uki_sections(ByteSpan file, const PeFile& pe, unsigned profile);

}  // namespace lifeboat
