// SPDX-License-Identifier: GPL-2.0-or-later
// The names that --type of kexec(8) has for the kernels of the architecture that this program is built for.
// Each folder named after an architecture has its own; the build selects one. "uki" is known everywhere.
#pragma once

#include <span>
#include <string_view>

#include "src/image/image.h"

namespace lifeboat::cli::kexec {

struct FileType {
  std::string_view name;
  ImageKind kind;
};
// In the order of --help.
std::span<const FileType> file_types();

// The names to recommend: "A, B or C".
std::string_view recommended_types();

}  // namespace lifeboat::cli::kexec
