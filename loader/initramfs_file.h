// SPDX-License-Identifier: GPL-2.0-or-later
// The initramfs of a load, whether it is one file, several, or a part of a unified kernel image.
#pragma once

#include <string>
#include <vector>

#include "src/base/file.h"
#include "src/image/kernel_file.h"

namespace lifeboat {

// One file is opened and passed on as it is. Several are joined in a sealed memfd, and so is that of `kernel`
// when `paths` is empty. Not valid: there is none. Fails for what is no initramfs.
Result<UniqueFd> open_initramfs(const std::vector<std::string>& paths, const KernelFile& kernel,
                                uint64_t& size);

}  // namespace lifeboat
