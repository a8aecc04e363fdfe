// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/outcome.h"

#include "src/base/log.h"
#include "src/base/text.h"
#include "src/cli/command.h"

namespace lifeboat::cli {

int exit_code_of(DumpOutcome outcome) {
  return outcome == DumpOutcome::whole ? kDone : kFailed;
}

void report_incomplete(const std::string& path, const std::string& reason) {
  const Error error =
      Error(ErrorCode::lost, fmt::format("{}: the dump is incomplete: {}", path, reason))
          .hint(fmt::format("inspect the pages that were saved: lifeboat inspect {}", shell_word(path)));
  log::error("{}", error.to_string());
}

}  // namespace lifeboat::cli
