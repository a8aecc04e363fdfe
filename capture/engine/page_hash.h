// SPDX-License-Identifier: GPL-2.0-or-later
// A 64-bit hash of a page's contents (XXH3), by the widest vector instructions that this processor has. It
// finds pages that may be the same; whether they are is decided by comparing them.
#pragma once

#include "src/base/bytes.h"

namespace lifeboat {

using PageHash = uint64_t (*)(ByteSpan page);
// The fastest one here. All give the same values.
PageHash page_hash();
// In the instructions of every processor of the architecture.
PageHash usual_page_hash();

// Nothing but zeros. `page` has at least 8 bytes.
bool is_zero_page(ByteSpan page);

}  // namespace lifeboat
