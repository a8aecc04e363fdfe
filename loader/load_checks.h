// SPDX-License-Identifier: GPL-2.0-or-later
// What can be known of a load before the system call that frees the old image.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "image/x86_64/bzimage.h"
#include "loader/crash_load.h"

namespace lifeboat {

// The files of a request, open and looked at. The descriptors go to the kernel as they are: IMA reads their
// extended attributes, and what was checked is what is loaded.
struct CheckedLoad {
  UniqueFd kernel;
  UniqueFd initramfs;  // not valid: none
  BzImage image;
  uint64_t initramfs_size = 0;
  std::vector<std::string> warnings;
};

Result<CheckedLoad> check_load(const LoadRequest& request, const SystemState& state);

// The longest command line (without NUL) that `image` takes: a crash load leaves room for what the kernel
// appends.
uint64_t longest_command_line(const BzImage& image, bool crash);

// What all that kexec_file_load(2) puts into the crash reservation takes there, at least.
uint64_t crash_memory_needed(const BzImage& image, uint64_t initramfs_size, const SystemState& state);

}  // namespace lifeboat
