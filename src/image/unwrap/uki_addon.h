// SPDX-License-Identifier: GPL-2.0-or-later
// An addon of a unified kernel image (NAME.addon.efi): an EFI program without a kernel, whose sections
// complete those of an image (https://uapi-group.org/specifications/specs/unified_kernel_image/, "PE
// Addons").
#pragma once

#include <optional>
#include <string>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/image/unwrap/uki.h"

namespace lifeboat {

enum class AddonSignature {
  not_needed,
  needed,  // Secure Boot: the firmware loads none without. Whether it is good only the firmware knows.
};

// The spans lie in the file that was read.
struct UkiAddon {
  std::optional<std::string> command_line;  // as UkiParts has it
  std::optional<ByteSpan> initramfs;
  std::optional<ByteSpan> microcode;
  bool has_device_tree = false;
};

// The error is the reason why systemd-stub would leave this addon out for `image`: it holds a kernel, or
// nothing that is used; it is for another machine or release; it has no signature.
Result<UkiAddon> read_uki_addon(ByteSpan file, const UkiParts& image, AddonSignature signature);

}  // namespace lifeboat
