// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/load_call.h"

namespace lifeboat {

Result<LoadCall> parse_load_call(std::string_view name) {
  for (const auto call : {LoadCall::automatic, LoadCall::file, LoadCall::segments}) {
    if (name == load_call_name(call)) return call;
  }
  return std::unexpected(Error(ErrorCode::usage, fmt::format("'{}' is not a system call to load with", name))
                             .hint("use auto, file (kexec_file_load) or segments (kexec_load)"));
}

std::string_view load_call_name(LoadCall call) {
  switch (call) {
    case LoadCall::automatic:
      return "auto";
    case LoadCall::file:
      return "file";
    case LoadCall::segments:
      return "segments";
  }
  return "unknown";
}

}  // namespace lifeboat
