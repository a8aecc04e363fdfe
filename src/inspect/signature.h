// SPDX-License-Identifier: GPL-2.0-or-later
// A name for a crash, the same for every dump of the same trouble: from what the stack was doing, not from
// addresses.
#pragma once

#include <string>
#include <vector>

#include "inspect/crash_kind.h"
#include "inspect/stacks.h"

namespace lifeboat::inspect {

struct Signature {
  std::string hash;                    // 16 hex digits
  std::vector<std::string> functions;  // that it was made of, innermost first
};

// The functions that were at work when the trouble began: behind the exception or interrupt that told of it,
// without the ways of panic(), at most eight, without offsets and the suffixes that compilers add. The hash
// is FNV-1a (64 bits) over the kind's name and these names, each followed by a newline; it is stored by
// others, so it never changes. An empty hash: no function is known.
Signature make_signature(CrashKind kind, const std::vector<NamedFrame>& frames);

// How many frames at the beginning only tell how the kernel dies: not for the reader in a hurry.
size_t panic_path_length(const std::vector<NamedFrame>& frames);
// "schedule.part.0" is "schedule".
std::string plain_function_name(std::string_view name);

}  // namespace lifeboat::inspect
