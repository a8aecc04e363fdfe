// SPDX-License-Identifier: GPL-2.0-or-later
// Appends a second archive to a finished initramfs: the kernel unpacks one after the other, later files over
// earlier ones. No byte of the first is changed.
#pragma once

#include <vector>

#include "capture/initramfs/module_set.h"
#include "capture/plan/capture_plan.h"
#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// The plan in a capture initramfs, with any compression. `not_found`: it has none; `corrupt`: it is not a
// cpio archive.
Result<CapturePlan> initramfs_plan(ByteSpan initramfs);

// With another plan, and with modules besides, which are loaded after those that it names; what it names
// already is not added.
Result<std::vector<std::byte>> with_overlay(ByteSpan initramfs, CapturePlan plan,
                                            const std::vector<ModuleFile>& modules);

}  // namespace lifeboat
