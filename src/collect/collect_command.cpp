// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/collect_command.h"

#include "src/base/process.h"
#include "src/base/text.h"
#include "src/store/crash_list.h"

namespace lifeboat::collect {
namespace {

// TimeoutStartSec= of lifeboat-collect.service includes it.
constexpr std::chrono::minutes kDeadline{5};
constexpr size_t kMaxOutput = 500;

// The end of the output: it shows the error.
std::string end_of_output(const std::string& text) {
  const std::string_view output = trim(text);
  return one_line(output.substr(output.size() - std::min(output.size(), kMaxOutput)));
}

// Empty: it has succeeded.
std::string problem_of(const Result<ProcessOutput>& ran) {
  if (!ran) return ": " + ran.error().to_string();
  return ran->status == 0 ? "" : fmt::format(" ended with {}: {}", ran->status, end_of_output(ran->text));
}

}  // namespace

bool command_is_due(const CrashRecord& record) {
  return record.collected && record.command_tries > 0 && record.command_tries < kMaxCommandTries;
}

std::vector<std::string> run_command(const std::string& command, const std::string& path, int folder_fd,
                                     CrashRecord& record) {
  std::vector<std::string> problems;
  const auto note = [&] {
    if (const auto noted = replace_crash_record(folder_fd, record); !noted)
      problems.push_back(noted.error().to_string());
  };
  ++record.command_tries;
  note();
  const std::string problem = problem_of(run_process({command, path}, kDeadline));
  if (problem.empty()) {
    record.command_tries = 0;
    note();
  } else {
    problems.push_back(command + problem +
                       (command_is_due(record)
                            ? fmt::format(" (try {} of {}: the next 'lifeboat collect' tries again)",
                                          record.command_tries, kMaxCommandTries)
                            : fmt::format(" (try {}, the last)", record.command_tries)));
  }
  return problems;
}

}  // namespace lifeboat::collect
