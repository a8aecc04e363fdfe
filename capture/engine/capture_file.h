// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat capture SOURCE DEST`: a capture into one file.
#pragma once

#include <string>

#include "capture/engine/capture.h"
#include "src/base/file.h"

namespace lifeboat {

// Where a file is to be made.
struct Destination {
  std::string folder_path;
  UniqueFd folder;
  std::string name;  // in the folder
};
// Opens the folder of `dest`. `usage`: the path does not end with a name.
Result<Destination> open_destination(const std::string& dest);

inline constexpr const char* kIncompleteSuffix = ".incomplete";

// Saves `source`, which was opened from `source_name`, as the new file `dest`: under the name with
// kIncompleteSuffix, which the file keeps unless the dump is whole. When the capture fails, the unfinished
// file is removed; but what could be saved of /proc/vmcore is kept, because that does not exist after the
// reboot. `unsupported` for the memory of the running kernel, which changes while it is saved.
Result<CaptureReport> capture_file(Dump& source, const std::string& source_name, const std::string& dest,
                                   const CaptureOptions& options, Progress& progress);

}  // namespace lifeboat
