// SPDX-License-Identifier: GPL-2.0-or-later
// An initramfs that is made already, with another behind it: the kernel unpacks one after the other, later
// files over earlier ones. Not a byte of the first is changed.
#pragma once

#include <vector>

#include "capture/initramfs/module_set.h"
#include "capture/plan/capture_plan.h"
#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// The plan in a capture initramfs, however it is compressed. `not_found`: it holds none; `corrupt`: it is
// no cpio archive.
Result<CapturePlan> initramfs_plan(ByteSpan initramfs);

// With another plan, and with modules besides, which are loaded after those that it names; what it names
// already is not added.
Result<std::vector<std::byte>> with_overlay(ByteSpan initramfs, CapturePlan plan,
                                            const std::vector<ModuleFile>& modules);

}  // namespace lifeboat
