// SPDX-License-Identifier: GPL-2.0-or-later
// A capture into the stores of this machine, by its configuration: what is captured, where to, and which
// mistakes end it. capture/run/system_capture.h makes the attempt.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "capture/run/save.h"
#include "capture/run/system_capture.h"
#include "src/config/config.h"

namespace lifeboat::collect {

struct StoreCapture {
  std::string source;  // the vmcore
  // Instead of the configured targets, dump.level and dump.compression, and written like them.
  std::optional<std::string> folder, level, compression;
  std::string run = capture::SystemCapture{}.run;
  std::string watchdogs = {};  // as SystemCapture::watchdogs; used in a capture kernel, unless switched off
  // Where a target's folder is now (mounted_target.h); a test replaces it.
  std::function<Result<std::optional<std::string>>(const std::string& device, const std::string& path)>
      mounted_folder = {};
};

// On a machine that works: a wrong source is an error before anything is created, and so is an unreadable
// configuration. Errors as of capture_in_system() else.
Result<capture::AttemptResult> capture_on_working_system(const StoreCapture& capture,
                                                         const Result<config::Config>& config);

// In a capture kernel that runs the installed system: what is not saved now is lost, and there is no
// operator. Saves what it can, also of a damaged source, by the defaults if the configuration cannot be read.
// All errors are logged. Returns what is to be done then, for end_system_capture().
FinalAction capture_in_capture_kernel(const StoreCapture& capture, const Result<config::Config>& config);

// `usage` unless `source` is the memory of a crashed kernel (`vmcore`), which only a capture kernel has: the
// action that follows would restart a machine that works.
Result<> check_source_of_capture_kernel(const std::string& source,
                                        const std::string& vmcore = capture::kVmcore);

// The request for such a capture. A folder of a device that is not mounted when its turn comes is
// `not_found`: it is not mounted here, because the system may be mounting it right now.
Result<capture::SystemCapture> system_capture_of(const StoreCapture& capture, const config::Config& config);

}  // namespace lifeboat::collect
