// SPDX-License-Identifier: GPL-2.0-or-later
// The parsed options of kexec(8): every option that kexec-tools 2.0.32 knows on this architecture
// (kexec/kexec.h and its arch/options.h there), with the same parser, getopt_long(3), so that abbreviations
// and the order of arguments mean the same.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "src/arming/kexec_load.h"

namespace lifeboat::cli::kexec {

// The exit codes of kexec-tools. `usage` is also for what is not supported; `loaded` belongs to --status.
enum ExitCode : int { kDone = 0, kUsage = 1, kLoaded = 1, kNoFileCall = 253, kFailed = 255 };

struct Options : arming::KexecLoadOptions {
  enum class Ask { work, help, version, crash_size };
  Ask ask = Ask::work;

  // What to do, in this order. Later options override earlier ones, as in kexec-tools: `-f -l` only loads,
  // `-l -f` loads and reboots.
  bool status = false;  // nothing else then
  bool unload = false;  // no load then
  bool load = true;
  bool shutdown = true;  // by shutdown(8), unless an option changes it
  bool exec = false;     // at once
  bool sync = true;
  bool network_down = false;

  bool debug = false;
  std::optional<std::string> type;
  std::string kernel;  // empty: none was given

  // Options that were accepted and change nothing, each with the reason.
  std::vector<std::string> notes;
};

struct Refusal {
  int exit_code = kUsage;
  std::string message;  // empty: getopt_long has printed it
  bool show_usage = false;
};

// As strtoul(3) with base 0, like kexec-tools: 0x for hexadecimal, 0 for octal.
std::optional<uint64_t> parse_address(const char* text);

// `argv` is permuted. Not reentrant: getopt_long has global state.
std::expected<Options, Refusal> parse_options(int argc, char** argv);

// What --help prints.
std::string usage_text();
std::string version_text();

}  // namespace lifeboat::cli::kexec
