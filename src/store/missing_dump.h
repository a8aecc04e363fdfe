// SPDX-License-Identifier: GPL-2.0-or-later
// Why there is no dump where one was looked for.
#pragma once

#include <optional>
#include <string>

#include "src/base/error.h"

namespace lifeboat {

// `path` is a crash's folder, or a file that is missing in one: what was saved of that crash instead of a
// dump, and what to do. nullopt: it is neither, or that crash has a dump. For commands that cannot open
// `path` as a dump.
std::optional<Error> why_no_dump(const std::string& path);

}  // namespace lifeboat
