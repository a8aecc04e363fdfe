// SPDX-License-Identifier: GPL-2.0-or-later
// What a boot loader and systemd-stub add to a unified kernel image.
#pragma once

#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/image/kernel_file.h"
#include "src/image/unwrap/uki_addon.h"

namespace lifeboat {

struct NamedFile {
  std::string name;  // its path, for messages
  std::vector<std::byte> bytes;
};

struct UkiExtras {
  unsigned profile = 0;              // which of the image's profiles
  std::vector<NamedFile> initramfs;  // of the boot entry: behind the image's microcode, before its initramfs
  std::vector<NamedFile> addons;     // in the order of their use
  AddonSignature signature = AddonSignature::not_needed;
};

// Takes the kernel out of the unified kernel image that `file` holds, and the rest into the other fields.
// Addons that cannot be used are left out, with a line in `file.notes` each.
Result<> take_off_uki(KernelFile& file, const UkiExtras& extras);

}  // namespace lifeboat
