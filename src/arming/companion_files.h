// SPDX-License-Identifier: GPL-2.0-or-later
// The files besides kernel and initramfs that a boot loader gives to the kernel of a boot entry: addons of a
// unified kernel image, credentials, system extensions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loader/entries/boot_entry.h"
#include "src/base/error.h"
#include "src/image/unwrap/uki_extras.h"

namespace lifeboat::arming {

struct EntryFiles {
  UkiExtras uki;  // with the entry's profile and, for a unified kernel image, its initramfs
  // The rest as a cpio archive, in the folders below /.extra where systemd looks for them; nullopt: none.
  std::optional<std::vector<std::byte>> archive;
  std::vector<std::string> notes;  // what is in the archive, and what could not be read: a line each
};

// Of an entry, or of an image that the user named (`entry` has its kernel, its root where that is known, and
// `unified`). Files that cannot be read are reported in the notes, as the
// boot loader would go on without them; an initramfs that cannot be read is an error.
Result<EntryFiles> read_entry_files(const BootEntry& entry, AddonSignature signature);

}  // namespace lifeboat::arming
