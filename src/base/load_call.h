// SPDX-License-Identifier: GPL-2.0-or-later
// The two system calls that load a kernel, by the names that options and settings use.
#pragma once

#include <string_view>

#include "src/base/error.h"

namespace lifeboat {

enum class LoadCall {
  automatic,  // file; segments when the running kernel has no kexec_file_load or does not support the image
  file,       // kexec_file_load(2): the running kernel places, verifies and describes the kernel
  segments,   // kexec_load(2): all of that is done by this program
};
Result<LoadCall> parse_load_call(std::string_view name);  // "auto", "file", "segments"
std::string_view load_call_name(LoadCall call);

}  // namespace lifeboat
