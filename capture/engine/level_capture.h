// SPDX-License-Identifier: GPL-2.0-or-later
// One attempt to write a dump, at one level.
#pragma once

#include <string>

#include "capture/engine/capture.h"
#include "capture/engine/capture_source.h"

namespace lifeboat {

// Into `fd`, an empty file. The outcome and the errors are those of capture_dump().
Result<CaptureReport> capture_at_level(CaptureSource& source, int level, int fd, const std::string& name,
                                       const CaptureOptions& options, Progress& progress);

}  // namespace lifeboat
