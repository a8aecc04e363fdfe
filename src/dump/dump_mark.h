// SPDX-License-Identifier: GPL-2.0-or-later
// The mark by which a dump file on disk says that it is not whole: INCOMPLETE in the header of a KDUMP file.
// Who decides by the name of a file, or by what was meant to be written, asks here first.
#pragma once

#include <string_view>

#include "src/base/error.h"

namespace lifeboat {

enum class DumpMark {
  none,        // no KDUMP file: it has no place for the mark
  whole,       // the mark is cleared
  incomplete,  // the mark is set
};

// Reads it from the file itself. `name` is for messages.
Result<DumpMark> read_dump_mark(int fd, std::string_view name);

// Sets the mark of a KDUMP file, and syncs; another file stays as it is.
Result<> mark_dump_incomplete(int fd, std::string_view name);

}  // namespace lifeboat
