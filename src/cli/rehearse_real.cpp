// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/rehearse_real.h"

#include <unistd.h>

#include <ctime>
#include <iostream>

#include "loader/obstacles.h"
#include "loader/system_state.h"
#include "src/arming/loaded_state.h"
#include "src/arming/rehearsal_record.h"
#include "src/base/file.h"
#include "src/base/sys.h"

namespace lifeboat::cli {
namespace {

// A crash of a machine that is not armed would not be captured.
Result<> check_armed() {
  const auto reasons = not_armed_because(read_system_state(SystemPaths{}));
  if (reasons.empty()) return {};
  return std::unexpected(
      Error(ErrorCode::unsupported, "rehearse: this machine is not armed: " + reasons.front().message)
          .hint(reasons.front().fix));
}

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

Result<> note_and_crash() {
  TRY_VOID(arming::save_pending_rehearsal(arming::pending_rehearsal_of(
      static_cast<uint64_t>(std::time(nullptr)), read_line("/proc/sys/kernel/random/boot_id").value_or(""),
      read_line("/proc/sys/kernel/osrelease").value_or(""), arming::read_loaded_state())));
  sys::sync();
  // Root may write the trigger even when sysrq is disabled.
  auto crashed = write_pseudo_file("/proc/sysrq-trigger", "c");
  // The machine did not crash.
  const auto forgotten = arming::forget_pending_rehearsal();
  TRY_VOID(std::move(crashed));
  TRY_VOID(forgotten);
  return fail(ErrorCode::io, "the kernel did not crash after a write of 'c' to /proc/sysrq-trigger");
}

}  // namespace

Result<int> rehearse_for_real(const CommandLine& line) {
  TRY_VOID(check_armed());
  if (!line.has("yes") && !TRY(ask())) {
    fmt::print("nothing was done\n");
    return kDone;
  }
  TRY_VOID(note_and_crash());
  return kFailed;
}

}  // namespace lifeboat::cli
