// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/outcome.h"

#include "src/base/log.h"
#include "src/base/text.h"
#include "src/cli/command.h"

namespace lifeboat::cli {

int exit_code_of(DumpOutcome outcome, bool fell_back) {
  const bool log_only = outcome == DumpOutcome::log_only && !fell_back;
  return outcome == DumpOutcome::whole || log_only ? kDone : kFailed;
}

void report_incomplete(const std::string& path, const std::string& reason) {
  const Error error =
      Error(ErrorCode::lost, fmt::format("{}: the dump is incomplete: {}", path, reason))
          .hint(fmt::format("inspect the pages that were saved: lifeboat inspect {}", shell_word(path)));
  log::error("{}", error.to_string());
}

void report_too_small(const std::string& path) {
  const Error error =
      Error(ErrorCode::no_space,
            fmt::format("no dump was saved, only log and report: there is no space for one at {}", path))
          .hint("free disk space, or choose another file system");
  log::error("{}", error.to_string());
}

}  // namespace lifeboat::cli
