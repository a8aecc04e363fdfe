// SPDX-License-Identifier: GPL-2.0-or-later
// The hash in vector instructions that not every processor of the architecture has.
#pragma once

#include "capture/engine/page_hash.h"

namespace lifeboat {

// nullptr: this processor has none of them, or the architecture has none beyond those of every processor.
PageHash wide_page_hash();

}  // namespace lifeboat
