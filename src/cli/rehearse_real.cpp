// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/rehearse_real.h"

#include <unistd.h>

#include <ctime>
#include <iostream>

#include "src/rehearse/this_machine.h"

namespace lifeboat::cli {
namespace {

Result<bool> ask() {
  if (::isatty(STDIN_FILENO) == 0) {
    return std::unexpected(
        Error(ErrorCode::usage, "rehearse: --real asks before it crashes, but stdin is not a terminal")
            .hint("give --yes to crash without a question"));
  }
  fmt::print(
      "This crashes the machine now, as a kernel bug would: nothing is shut down, unsaved work is lost.\n"
      "It should restart by itself; 'lifeboat collect' then reports whether the crash was captured.\n"
      "Type 'crash' to go on: ");
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "crash";
}

}  // namespace

Result<int> rehearse_for_real(const CommandLine& line) {
  TRY_VOID(rehearse::check_armed(SystemPaths{}));
  if (!line.has("yes") && !TRY(ask())) {
    fmt::print("nothing was done\n");
    return kDone;
  }
  return std::unexpected(
      rehearse::crash_this_machine(rehearse::RealPaths{}, static_cast<uint64_t>(std::time(nullptr))));
}

}  // namespace lifeboat::cli
