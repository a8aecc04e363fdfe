// SPDX-License-Identifier: GPL-2.0-or-later
// A name for a crash, the same for every dump with the same cause: from the functions on the stack, not from
// addresses.
#pragma once

#include <string>
#include <vector>

#include "src/inspect/crash_kind.h"
#include "src/inspect/named_stacks.h"

namespace lifeboat::inspect {

struct Signature {
  std::string hash;                    // 16 hex digits
  std::vector<std::string> functions;  // that it was computed from, innermost first
};

// The functions that ran when the error occurred: below the exception or interrupt that reported it, without
// the panic path, at most eight, without offsets and the suffixes that compilers add. In a stack that ran
// over, the depth of the recursion and its last function are random: its functions are listed once each,
// sorted, then their callers. The hash is FNV-1a (64 bits) over the kind's name and these names, each
// followed by a newline; other programs store it, so it never changes. An empty hash: no function is known.
Signature make_signature(CrashKind kind, const std::vector<NamedFrame>& frames);

// Whether a function is only between an error and the capture kernel.
bool is_panic_path(const Architecture& architecture, std::string_view function);
// How many frames at the beginning are only the panic path, which a short view leaves out.
size_t panic_path_length(const std::vector<NamedFrame>& frames);
// The frame with the error: after these, and after the interrupt or exception that reported it.
size_t first_significant_frame(CrashKind kind, const std::vector<NamedFrame>& frames);
// "schedule.part.0" is "schedule".
std::string plain_function_name(std::string_view name);

}  // namespace lifeboat::inspect
