// SPDX-License-Identifier: GPL-2.0-or-later
// What the header of a dump says of the machine: from the source's header, and from the kernel in it.
#pragma once

#include "capture/engine/capture.h"
#include "capture/engine/capture_source.h"
#include "src/dump/kdump_writer.h"

namespace lifeboat {

KdumpWriterOptions dump_header(const CaptureSource& source, int level, const CaptureOptions& options);

}  // namespace lifeboat
