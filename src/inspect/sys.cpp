// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspect/sys.h"

#include <algorithm>
#include <ranges>

#include "kernel/mem_map.h"
#include "kernel/page_scan.h"
#include "kernel/printk.h"
#include "kernel/utsname.h"

namespace lifeboat::inspect {
namespace {

constexpr std::string_view kPanic = "Kernel panic - not syncing: ";

// How trouble announces itself (lib/bug.c, arch/x86/kernel/{dumpstack,traps}.c, arch/x86/mm/fault.c, mm/oom_kill.c,
// kernel/{hung_task,watchdog}.c, kernel/rcu/tree_stall.h, drivers/tty/sysrq.c).
constexpr std::string_view kCauses[] = {
    "sysrq: Trigger a crash",
    "BUG: ",
    "kernel BUG at ",
    "Oops: ",
    "general protection fault",
    "invalid opcode: ",
    "divide error: ",
    "stack segment: ",
    "double fault: ",
    "Unable to handle kernel ",
    "watchdog: BUG: ",
    "watchdog: Watchdog detected hard LOCKUP",
    "rcu: INFO: ",
    "INFO: task ",
    "Out of memory: ",
    "mce: [Hardware Error]",
};

void describe_log(const KernelMemory& kernel, MachineSummary& summary) {
  const auto log = read_kernel_log(kernel);
  if (!log) {
    summary.gaps.push_back(log.error().to_string());
    return;
  }
  if (log->unreadable > 0) summary.gaps.push_back(fmt::format("{} log records cannot be read", log->unreadable));
  if (log->records.empty()) return;
  summary.uptime = static_cast<double>(log->records.back().nanoseconds) / 1e9;
  std::vector<std::string_view> lines;
  for (const auto& record : log->records) {
    for (const auto line : std::views::split(record.text, '\n')) lines.emplace_back(line.begin(), line.end());
  }
  auto message = find_panic(lines);
  summary.panic = std::move(message.panic);
  summary.cause = std::move(message.cause);
  if (summary.panic.empty()) summary.gaps.emplace_back("the log holds no panic message");
}

// 16 TiB. A dump that claims more would be counted for minutes.
constexpr uint64_t kMostPages = uint64_t{1} << 32;
// No compound page crosses such a border (1 GiB), so a walk may begin there (page_scan.h).
constexpr uint64_t kLargestPages = uint64_t{1} << 18;

// The stretches of page frames to walk over: all RAM, from border to border.
std::vector<std::pair<uint64_t, uint64_t>> stretches(const std::vector<PhysicalRange>& ram) {
  std::vector<std::pair<uint64_t, uint64_t>> result;
  for (const auto& range : ram) {
    const uint64_t first = align_down(range.start >> kPageShift, kLargestPages);
    const uint64_t end = range.end >> kPageShift;
    if (!result.empty() && first <= result.back().second) {
      result.back().second = std::max(result.back().second, end);
    } else if (first < end) {
      result.emplace_back(first, end);
    }
  }
  return result;
}

Result<PageCounts> count_pages(const Dump& dump, const KernelMemory& kernel) {
  const auto map = TRY(MemMap::create(kernel));
  const auto classifier = TRY(PageClassifier::create(kernel.vmcoreinfo()));
  if (dump.info().ram_pages > kMostPages)
    return fail(ErrorCode::unsupported, "{} pages are too many to count", dump.info().ram_pages);
  PageCounts counts;
  const PageVisitor visit = [&](uint64_t pfn, uint64_t pages, PageClass page_class) {
    auto& count = counts.classes[static_cast<size_t>(page_class)];
    for (uint64_t page = pfn; page < pfn + pages; ++page) {
      const PageState state = dump.page_state(page);
      count.pages += state != PageState::absent ? 1 : 0;
      count.stored += state == PageState::stored ? 1 : 0;
    }
  };
  for (const auto& [first, end] : stretches(dump.ram()))
    counts.undescribed += scan_page_classes(kernel, map, classifier, first, end, visit).unreadable_pages;
  return counts;
}

}  // namespace

PanicMessage find_panic(const std::vector<std::string_view>& lines) {
  PanicMessage message;
  size_t at = lines.size();
  for (size_t index = lines.size(); index > 0 && at == lines.size(); --index) {
    if (!lines[index - 1].starts_with(kPanic)) continue;
    at = index - 1;
    message.panic = lines[at].substr(kPanic.size());
  }
  // The first trouble may be days old; that which led to the panic stands close before it.
  constexpr size_t kNear = 200;
  for (size_t index = at > kNear ? at - kNear : 0; index < at && message.cause.empty(); ++index) {
    if (std::ranges::any_of(kCauses, [&](std::string_view cause) { return lines[index].starts_with(cause); }))
      message.cause = lines[index];
  }
  return message;
}

MachineSummary summarize(const Session& session) {
  MachineSummary summary;
  summary.container = session.dump().info();
  summary.whole = !summary.container.incomplete;
  summary.uts = summary.container.uts;
  if (!session.kernel()) {
    summary.gaps.push_back("the kernel's memory: " + session.kernel().error().to_string());
    return summary;
  }
  const KernelMemory& kernel = *session.kernel();
  if (summary.uts.release.empty()) {
    if (auto uts = read_utsname(kernel)) {
      summary.uts = *std::move(uts);
    } else {
      summary.gaps.push_back("the kernel's names: " + uts.error().to_string());
      summary.uts.release = kernel.vmcoreinfo().release();
    }
  }
  summary.crash_time = kernel.vmcoreinfo().crash_time();
  if (!summary.crash_time) summary.gaps.emplace_back("VMCOREINFO does not tell when the machine crashed");
  describe_log(kernel, summary);
  if (auto pages = count_pages(session.dump(), kernel)) {
    summary.pages = *std::move(pages);
  } else {
    summary.gaps.push_back("page counts: " + pages.error().to_string());
  }
  return summary;
}

}  // namespace lifeboat::inspect
