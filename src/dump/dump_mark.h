// SPDX-License-Identifier: GPL-2.0-or-later
// The mark of a dump file on disk that is not whole: INCOMPLETE in the header of a KDUMP file. It decides
// over the name of the file: read it first.
#pragma once

#include <string_view>

#include "src/base/error.h"

namespace lifeboat {

enum class DumpMark {
  none,        // not a KDUMP file: it has no place for the mark
  whole,       // the mark is cleared
  incomplete,  // the mark is set
};

// Reads it from the file itself. `name` is for messages.
Result<DumpMark> read_dump_mark(int fd, std::string_view name);

// Sets the mark of a KDUMP file, and syncs; another file stays as it is.
Result<> mark_dump_incomplete(int fd, std::string_view name);

}  // namespace lifeboat
