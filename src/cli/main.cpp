// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat: runs the command and reports its result. Called as `kexec`, it acts as that program.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <iostream>
#include <new>

#include "src/base/log.h"
#include "src/base/process.h"
#include "src/base/spelling.h"
#include "src/cli/command.h"
#include "src/cli/kexec/kexec.h"

namespace lifeboat::cli {
namespace {

constexpr Command kCommands[] = {
    {"status", "show whether a capture kernel is loaded", run_status},
    {"check", "check point by point whether a crash would be captured, with fixes", run_check},
    {"reserve", "show, estimate, set or shrink the reservation (crashkernel=)", run_reserve},
    {"build", "build the capture initramfs", run_build},
    {"load", "load a kernel for the next reboot, or for the next crash (--crash)", run_load},
    {"unload", "unload the loaded kernel", run_unload},
    {"reboot", "reboot into the loaded kernel, without firmware", run_reboot},
    {"capture", "save a vmcore, filtered and compressed", run_capture},
    {"rehearse", "crash a kernel in a virtual machine and check the dump", run_rehearse},
    {"config", "check or show the configuration", run_config},
    {"list", "list the saved crashes", run_list},
    {"collect", "collect new crashes: complete their reports, apply [retention]", run_collect},
    {"prune", "remove old crashes", run_prune},
    {"verify", "check whether a dump is whole", run_verify},
    {"inspect", "show what a dump contains (report, log, stacks, tasks, memory, ...)", run_inspect},
};

void print_help(std::ostream& out) {
  out << "usage: lifeboat COMMAND [arguments]\n\nCommands:\n";
  for (const auto& command : kCommands) out << fmt::format("  {:<10} {}\n", command.name, command.summary);
  out << "\n'lifeboat COMMAND --help' shows more. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 \"no\".\n";
}

// bad_alloc is the only exception that is expected.
Result<int> run_command(const Command& command, const Arguments& arguments) {
  try {
    return command.run(arguments);
  } catch (const std::bad_alloc&) {
    return std::unexpected(errno_error(ENOMEM, std::string(command.name)).hint("free memory, and try again"));
  }
}

Result<int> answer(const Arguments& arguments) {
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") {
    print_help(std::cout);
    return kDone;
  }
  if (name == "--version") {
    std::cout << "lifeboat " LIFEBOAT_VERSION "\n";
    return kDone;
  }
  const auto command = std::ranges::find(kCommands, name, &Command::name);
  if (command != std::end(kCommands)) return run_command(*command, {arguments.begin() + 1, arguments.end()});
  std::array<std::string_view, std::size(kCommands)> names;
  std::ranges::transform(kCommands, names.begin(), &Command::name);
  return std::unexpected(
      Error(ErrorCode::usage, fmt::format("there is no command '{}'", name)).hint(suggest_name(name, names)));
}

int run(const Arguments& arguments) {
  if (arguments.empty()) {
    print_help(std::cerr);
    return kUsage;
  }
  auto outcome = answer(arguments);
  if (!outcome) {
    if (outcome.error().code == ErrorCode::no_permission && ::geteuid() != 0)
      outcome.error().hint("run as root");
    log::error("{}", outcome.error().to_string());
    return outcome.error().code == ErrorCode::usage ? kUsage : kFailed;
  }
  std::cout.flush();
  if (!std::cout) {
    log::error("cannot write to the standard output");
    return kFailed;
  }
  return *outcome;
}

}  // namespace
}  // namespace lifeboat::cli

int main(int argc, char** argv) {
  // `lifeboat inspect ... | head` ends quietly, as other filters do.
  std::signal(SIGPIPE, SIG_DFL);
  lifeboat::fail_writes_at_size_limit();
  if (argc == 0) return lifeboat::cli::kUsage;
  const std::string_view called(argv[0]);
  if (called.substr(called.rfind('/') + 1) == "kexec") return lifeboat::cli::run_kexec(argc, argv);
  return lifeboat::cli::run({argv + 1, argv + argc});
}
