// SPDX-License-Identifier: GPL-2.0-or-later
// The file that a section of a unified kernel image names by its path and digest.
#pragma once

#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/image/unwrap/uki.h"

namespace lifeboat {

// `image`: the path of the image. The root of its file system is a folder above it: the nearest one that has
// the file counts. `not_found`: none has it; `corrupt`: its digest is another.
Result<std::vector<std::byte>> read_linked_file(const std::string& image, const UkiLink& link);

}  // namespace lifeboat
