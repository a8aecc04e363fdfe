// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/guest/recorded_facts.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/base/sys.h"

namespace lifeboat::rehearse {
namespace {

// The numbers among the names in a folder of /proc, in order.
std::vector<uint64_t> numbered_entries(const std::string& folder) {
  std::vector<uint64_t> numbers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (const auto number = parse_number(entry.path().filename().string())) numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

// "pid tgid ppid state comm" from a stat line: "pid (comm) state ppid ..."; comm may hold parentheses.
std::string task_line(uint64_t tgid, uint64_t tid) {
  const auto stat = read_line(fmt::format("/proc/{}/task/{}/stat", tgid, tid));
  if (!stat) return {};
  const auto open = stat->find('(');
  const auto close = stat->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 4 > stat->size()) return {};
  const std::string comm = stat->substr(open + 1, close - open - 1);
  const char state = (*stat)[close + 2];
  const std::string rest = stat->substr(close + 4);
  return fmt::format("{} {} {} {} {}\n", tid, tgid, rest.substr(0, rest.find(' ')), state, comm);
}

std::string all_tasks() {
  std::string text;
  for (const uint64_t tgid : numbered_entries("/proc")) {
    for (const uint64_t tid : numbered_entries(fmt::format("/proc/{}/task", tgid)))
      text += task_line(tgid, tid);
  }
  return text;
}

// "== TID", then its kernel stack from /proc, for each thread that does not run.
std::string all_stacks() {
  std::string text;
  for (const uint64_t tgid : numbered_entries("/proc")) {
    for (const uint64_t tid : numbered_entries(fmt::format("/proc/{}/task", tgid))) {
      const std::string task = task_line(tgid, tid);
      const auto stack = read_text(fmt::format("/proc/{}/task/{}/stack", tgid, tid), 1_MiB);
      if (task.empty() || task.find(" R ") != std::string::npos || !stack) continue;
      text += fmt::format("== {}\n{}", tid, *stack);
    }
  }
  return text;
}

}  // namespace

Result<> record_facts(const std::string& folder) {
  if (sys::mkdirat(AT_FDCWD, folder.c_str(), 0700) != 0) return fail_errno("cannot create {}", folder);
  for (const char* name : {"version", "cmdline", "modules", "kallsyms", "meminfo", "iomem", "uptime"}) {
    const auto text = read_text(fmt::format("/proc/{}", name), 64_MiB);
    if (!text) {
      log::warning("cannot record /proc/{}: {}", name, text.error().to_string());
      continue;
    }
    TRY_VOID(write_file_atomically(fmt::format("{}/{}", folder, name), as_byte_span(*text), 0600));
  }
  const std::string tasks = all_tasks();
  TRY_VOID(write_file_atomically(folder + "/tasks", as_byte_span(tasks), 0600));
  const std::string stacks = all_stacks();
  return write_file_atomically(folder + "/stacks", as_byte_span(stacks), 0600);
}

}  // namespace lifeboat::rehearse
