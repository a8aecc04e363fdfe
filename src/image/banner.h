// SPDX-License-Identifier: GPL-2.0-or-later
// The banner that every Linux kernel carries: "Linux version RELEASE (BUILDER) ..." (linux_banner,
// init/version-timestamp.c).
#pragma once

#include <string>

#include "src/base/bytes.h"

namespace lifeboat {

// The release that an uncompressed kernel names in its banner; empty when it has none. Fit to be shown and to
// become part of a path: letters, digits and "._+~-" only.
std::string banner_release(ByteSpan kernel);

}  // namespace lifeboat
