// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/crash_summary.h"

#include <algorithm>
#include <ranges>

#include "src/base/size.h"

namespace lifeboat::inspect {
namespace {

constexpr std::string_view kPanic = "Kernel panic - not syncing";
constexpr std::string_view kEndOfOops = "---[ end trace ";
// Older errors did not end the kernel and are not the cause.
constexpr uint64_t kCauseNanoseconds = 10'000'000'000;

struct Line {
  std::string_view text;
  uint64_t nanoseconds = 0;
};

std::vector<Line> lines_of(const std::vector<LogRecord>& records) {
  std::vector<Line> lines;
  lines.reserve(records.size());
  for (const auto& record : records) {
    for (const auto part : std::views::split(std::string_view(record.text), '\n'))
      lines.push_back({{part.begin(), part.end()}, record.nanoseconds});
  }
  return lines;
}

// What follows `key` in the text, up to a character that `stop` holds.
std::optional<std::string_view> word_after(std::string_view text, std::string_view key,
                                           std::string_view stop = " ,") {
  const size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + key.size());
  return text.substr(0, text.find_first_of(stop));
}

std::optional<uint64_t> number_after(std::string_view text, std::string_view key, int base = 10) {
  auto word = word_after(text, key);
  if (!word) return std::nullopt;
  const std::string_view digits = base == 16 ? "0123456789abcdefABCDEFx" : "0123456789";
  return parse_number(word->substr(0, word->find_first_not_of(digits)), base);
}

class CrashReader {
 public:
  CrashReader(const Architecture& architecture, const std::vector<LogRecord>& records)
      : architecture_(architecture), lines_(lines_of(records)) {
    for (const auto& record : records)
      crash_.uptime_nanoseconds = std::max(crash_.uptime_nanoseconds, record.nanoseconds);
  }

  CrashSummary read() {
    find_panic();
    find_cause();
    find_kind();
    find_details();
    find_writer();
    return std::move(crash_);
  }

 private:
  // With panic_on_oops the capture kernel takes over before the panic is announced: then the log's end is the
  // end.
  void find_panic() {
    end_ = lines_.size();
    end_time_ = crash_.uptime_nanoseconds;
    for (size_t index = lines_.size(); index-- > 0;) {
      if (!lines_[index].text.starts_with(kPanic)) continue;
      crash_.panic = std::string(lines_[index].text);
      end_ = index;
      end_time_ = lines_[index].nanoseconds;
      return;
    }
  }

  [[nodiscard]] bool is_near(size_t index) const {
    const uint64_t time = lines_[index].nanoseconds;
    return time <= end_time_ && end_time_ - time <= kCauseNanoseconds;
  }

  // The first error of the last group: an oops that ended before the next one began is not the cause. Fatal
  // errors have priority over reports.
  void find_cause() {
    std::optional<size_t> first, first_fatal;
    bool ended = false;
    for (size_t index = 0; index < end_; ++index) {
      if (!is_near(index)) continue;
      if (lines_[index].text.starts_with(kEndOfOops)) ended = true;
      const auto error = parse_error_line(lines_[index].text);
      if (!error) continue;
      if (ended && error->fatal) {
        first.reset();
        first_fatal.reset();
      }
      if (error->fatal) ended = false;
      if (!first) first = index;
      if (!first_fatal && error->fatal) first_fatal = index;
    }
    cause_ = first_fatal ? first_fatal : first;
    cause_is_fatal_ = first_fatal.has_value();
    if (cause_) crash_.cause = std::string(lines_[*cause_].text);
  }

  void find_kind() {
    if (crash_.panic) {
      // After "not syncing", some kernels have more before the colon.
      if (const auto kind = kind_of_panic(std::string_view(*crash_.panic).substr(kPanic.size()))) {
        crash_.kind = *kind;
        crash_.reason = *crash_.panic;
        // The kernel's report of it has more details than the panic.
        for (size_t index = end_; index-- > 0;) {
          if (!is_near(index)) break;
          const auto error = parse_error_line(lines_[index].text);
          if (!error || error->kind != *kind) continue;
          cause_ = index;
          crash_.cause = std::string(lines_[index].text);
          // For some the kernel prints several lines or reports, and the first is the most useful: the
          // processor and bank of a machine check, not the verdict; the first of the tasks that hang.
          if (*kind != CrashKind::machine_check && *kind != CrashKind::hung_task) break;
        }
        return;
      }
    }
    if (cause_ && cause_is_fatal_) {
      crash_.kind = parse_error_line(*crash_.cause)->kind;
      crash_.reason = *crash_.cause;
    } else if (crash_.panic) {
      crash_.kind = CrashKind::panic;
      crash_.reason = *crash_.panic;
    }
  }

  void find_details() {
    if (!cause_) return;
    const std::string_view cause = lines_[*cause_].text;
    // "address: 0000000000000010", "non-canonical address 0xdead...", "at virtual address ..."
    for (const std::string_view key :
         {"virtual address ", "address: ", "canonical address ", "for address "}) {
      if (crash_.fault_address) break;
      crash_.fault_address = number_after(cause, key, 16);
    }
    if (crash_.kind == CrashKind::hung_task) crash_.blocked_pid = pid_before(cause, " blocked ");
    if (crash_.kind == CrashKind::soft_lockup) {
      crash_.locked_cpu = small(number_after(cause, "CPU#"));
      crash_.blocked_pid = pid_before(cause, "]");
    }
    if (crash_.kind == CrashKind::hard_lockup) {
      crash_.locked_cpu = small(number_after(cause, "on cpu "));
      if (!crash_.locked_cpu) crash_.locked_cpu = small(number_after(cause, "CPU"));
    }
    if (crash_.kind == CrashKind::rcu_stall) find_stall();
    constexpr size_t kMaxLines = 100;
    for (size_t index = *cause_; index < std::min(lines_.size(), *cause_ + kMaxLines); ++index)
      read_oops_line(lines_[index].text);
  }

  // Behind "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:" each line names a CPU ("rcu: \t1-...!:
  // (738 ticks this GP) ..."), or tasks that were preempted ("rcu: \tTasks blocked on level-0 rcu_node (CPUs
  // 0-1): P175/1:b..l"); print_cpu_stall_info() and rcu_print_task_stall() of kernel/rcu/tree_stall.h. The
  // first is taken.
  void find_stall() {
    constexpr size_t kMaxLines = 32;
    for (size_t index = *cause_ + 1; index < std::min(end_, *cause_ + kMaxLines); ++index) {
      std::string_view line = lines_[index].text;
      if (line.starts_with("rcu: ")) line.remove_prefix(5);  // older kernels have no prefix here
      if (!line.starts_with('\t')) continue;
      line.remove_prefix(1);
      const size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
      if (digits > 0 && line.substr(digits).starts_with('-')) {
        crash_.locked_cpu = small(parse_number(line.substr(0, digits)));
        return;
      }
      if (!line.starts_with("Tasks blocked on ")) continue;
      if (const auto pid = small(number_after(line, ": P"))) crash_.blocked_pid = static_cast<int32_t>(*pid);
      return;
    }
  }

  void read_oops_line(std::string_view line) {
    const OopsLine found = architecture_.parse_oops_line(line);
    if (crash_.access.empty()) crash_.access = found.access;
    if (!crash_.location && !found.instruction.empty()) crash_.location = std::string(found.instruction);
  }

  // The last "CPU: 0 UID: 0 PID: 143 Comm: init Kdump: loaded Not tainted 6.12...".
  void find_writer() {
    for (size_t index = lines_.size(); index-- > 0;) {
      const std::string_view line = lines_[index].text;
      if (!crash_.hardware && line.starts_with("Hardware name: ")) crash_.hardware = line.substr(15);
      if (!crash_.hardware && line.starts_with("DMI: ") && !line.starts_with("DMI: Memory slots"))
        crash_.hardware = line.substr(5);
      if (crash_.pid || !line.starts_with("CPU: ") || !is_near(index)) continue;
      crash_.cpu = small(number_after(line, "CPU: "));
      if (const auto pid = small(number_after(line, " PID: "))) crash_.pid = static_cast<int32_t>(*pid);
      const size_t comm = line.find(" Comm: ");
      if (comm == std::string_view::npos) continue;
      const std::string_view rest = line.substr(comm + 7);
      const size_t stop = std::min({rest.find(" Kdump:"), rest.find(" Not tainted"), rest.find(" Tainted:")});
      crash_.comm = std::string(rest.substr(0, stop));
    }
  }

  // "INFO: task NAME:123 blocked ...", "[NAME:123]": names may hold anything, colons too.
  static std::optional<int32_t> pid_before(std::string_view line, std::string_view key) {
    const size_t end = line.rfind(key);
    if (end == std::string_view::npos) return std::nullopt;
    const size_t colon = line.rfind(':', end);
    if (colon == std::string_view::npos) return std::nullopt;
    const auto pid = small(parse_number(line.substr(colon + 1, end - colon - 1)));
    return pid ? std::optional(static_cast<int32_t>(*pid)) : std::nullopt;
  }
  static std::optional<uint32_t> small(std::optional<uint64_t> number) {
    if (!number || *number > INT32_MAX) return std::nullopt;
    return static_cast<uint32_t>(*number);
  }

  const Architecture& architecture_;
  CrashSummary crash_;
  std::vector<Line> lines_;
  size_t end_ = 0;  // of the lines before the panic
  uint64_t end_time_ = 0;
  std::optional<size_t> cause_;
  bool cause_is_fatal_ = false;
};

}  // namespace

CrashSummary summarize_crash(const Architecture& architecture, const std::vector<LogRecord>& records) {
  return CrashReader(architecture, records).read();
}

}  // namespace lifeboat::inspect
