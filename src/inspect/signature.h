// SPDX-License-Identifier: GPL-2.0-or-later
// A name for a crash, the same for every dump of the same trouble: from what the stack was doing, not from
// addresses.
#pragma once

#include <string>
#include <vector>

#include "src/inspect/crash_kind.h"
#include "src/inspect/named_stacks.h"

namespace lifeboat::inspect {

struct Signature {
  std::string hash;                    // 16 hex digits
  std::vector<std::string> functions;  // that it was made of, innermost first
};

// The functions that were at work when the trouble began: behind the exception or interrupt that told of it,
// without the ways of panic(), at most eight, without offsets and the suffixes that compilers add. Of a stack
// that ran over, the depth of the recursion and where in it the end came are chance: its functions are named
// once each, sorted, then their callers. The hash is FNV-1a (64 bits) over the kind's name and these names,
// each followed by a newline; it is stored by others, so it never changes. An empty hash: no function is
// known.
Signature make_signature(CrashKind kind, const std::vector<NamedFrame>& frames);

// How many frames at the beginning only tell how the kernel dies: not for the reader in a hurry.
size_t panic_path_length(const std::vector<NamedFrame>& frames);
// The frame where the trouble was: behind these, and behind the interrupt or exception that told of it.
size_t first_telling_frame(CrashKind kind, const std::vector<NamedFrame>& frames);
// "schedule.part.0" is "schedule".
std::string plain_function_name(std::string_view name);

}  // namespace lifeboat::inspect
