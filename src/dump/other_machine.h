// SPDX-License-Identifier: GPL-2.0-or-later
// The error for a dump of another architecture, with the release and crash time if the dump has them.
#pragma once

#include <string>
#include <string_view>

#include "src/base/error.h"

namespace lifeboat {

class ByteSource;

// An `unsupported` error that names the architecture and what of the kernel is known; empty strings: nothing.
Error other_machine(const std::string& dump, std::string_view architecture, std::string_view release,
                    std::string_view crash_time);

// The value of a VMCOREINFO line ("OSRELEASE=") somewhere in the first bytes of a file, where the notes of an
// ELF core lie; empty: it is not there. For messages only: the notes are not taken apart.
std::string vmcoreinfo_near_start(const ByteSource& file, std::string_view key);

}  // namespace lifeboat
