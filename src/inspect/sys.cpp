// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspect/sys.h"

#include <algorithm>
#include <array>
#include <ranges>

#include "inspect/log.h"
#include "kernel/utsname.h"

namespace lifeboat::inspect {
namespace {

constexpr std::string_view kPanic = "Kernel panic - not syncing";
// What the kernel says first when it is in trouble.
constexpr std::array<std::string_view, 14> kCauses = {
    "sysrq: Trigger a crash",   "BUG: ",
    "kernel BUG at ",           "watchdog: BUG: ",
    "general protection ",      "Oops: ",
    "invalid opcode: ",         "divide error: ",
    "stack segment: ",          "int3: ",
    "Unable to handle kernel ", "INFO: task ",
    "NMI watchdog: Watchdog ",  "Internal error: ",
};
// Older trouble was survived, and is another story.
constexpr uint64_t kCauseNanoseconds = 10'000'000'000;

bool is_cause(std::string_view line) {
  return std::ranges::any_of(kCauses, [line](std::string_view cause) { return line.starts_with(cause); });
}

std::optional<std::string> find_line(const LogRecord& record, const auto& wanted) {
  for (const auto part : std::views::split(std::string_view(record.text), '\n')) {
    const std::string_view line(part.begin(), part.end());
    if (wanted(line)) return std::string(line);
  }
  return std::nullopt;
}

CrashStory tell_story(const std::vector<LogRecord>& records) {
  CrashStory story;
  for (const auto& record : records)
    story.uptime_nanoseconds = std::max(story.uptime_nanoseconds, record.nanoseconds);
  // With panic_on_oops the capture kernel takes over before the panic is announced: then the log's end is the
  // end.
  size_t end = records.size();
  uint64_t end_time = story.uptime_nanoseconds;
  for (size_t index = records.size(); index-- > 0 && !story.panic;) {
    story.panic = find_line(records[index], [](std::string_view line) { return line.starts_with(kPanic); });
    if (!story.panic) continue;
    end = index;
    end_time = records[index].nanoseconds;
  }
  for (size_t index = 0; index < end && !story.cause; ++index) {
    const uint64_t time = records[index].nanoseconds;
    if (time <= end_time && end_time - time <= kCauseNanoseconds)
      story.cause = find_line(records[index], is_cause);
  }
  return story;
}

Result<CrashStory> read_story(const Session& session) {
  const KernelLog log = TRY(read_log(session));
  if (log.records.empty()) {
    return fail(ErrorCode::not_found, "the kernel's log holds no record that can be read ({} cannot)",
                log.unreadable);
  }
  return tell_story(log.records);
}

// The container's names; those that it does not tell (ELF: all, QEMU: most) from memory.
Result<Utsname> read_names(const Session& session) {
  Utsname names = session.dump().info().uts;
  if (!names.release.empty() && !names.nodename.empty()) return names;
  if (!session.kernel()) return std::unexpected(session.kernel().error());
  auto from_memory = read_utsname(*session.kernel());
  if (from_memory) return from_memory;
  // VMCOREINFO always has this one.
  names.release = session.kernel()->vmcoreinfo().release();
  return names;
}

Result<uint64_t> read_crash_time(const Session& session) {
  if (session.kernel()) {
    if (const auto time = session.kernel()->vmcoreinfo().crash_time()) return *time;
  }
  if (const auto time = session.dump().info().timestamp) return *time;
  if (!session.kernel()) return std::unexpected(session.kernel().error());
  return fail(ErrorCode::not_found,
              "VMCOREINFO has no CRASHTIME: the machine did not crash, or did not say so");
}

// The last page that should be in the file: a file that was cut off cannot give it. Bounded: a hostile dump
// may leave out all pages of an endless machine.
Result<> read_last_page(Dump& dump) {
  constexpr uint64_t kMostSteps = uint64_t{1} << 20;
  uint64_t steps = 0;
  for (const auto& range : dump.ram() | std::views::reverse) {
    for (uint64_t pfn = range.end / kPageSize; pfn-- > range.start / kPageSize;) {
      if (++steps > kMostSteps) return {};
      if (dump.page_state(pfn) != PageState::stored) continue;
      std::array<std::byte, kPageSize> page;
      return dump.read(pfn * kPageSize, page);
    }
  }
  return {};
}

std::vector<std::string> find_missing(Dump& dump) {
  const DumpInfo& info = dump.info();
  std::vector<std::string> missing;
  if (info.split) {
    missing.push_back(
        fmt::format("one part of a split dump: page frames {:#x} to {:#x}", info.start_pfn, info.end_pfn));
  } else if (const auto last = read_last_page(dump); !last) {
    const char* what = last.error().code == ErrorCode::lost ? "the end is missing" : "the end cannot be read";
    missing.push_back(fmt::format("{}: {}", what, last.error().to_string()));
  }
  if (info.incomplete && missing.empty())
    missing.emplace_back("marked as incomplete by its writer, or cut off");
  if (info.vmcoreinfo.empty())
    missing.emplace_back("no VMCOREINFO: the kernel's memory cannot be understood");
  return missing;
}

}  // namespace

MachineSummary summarize(const Session& session, std::chrono::milliseconds page_limit) {
  const DumpInfo& info = session.dump().info();
  MachineSummary summary;
  summary.format = info.format;
  summary.flattened = info.flattened;
  summary.split = info.split;
  if (info.format == DumpFormat::kdump) summary.compression = info.compression;
  summary.dump_level = info.dump_level;
  summary.missing = find_missing(session.dump());
  summary.ram_pages = info.ram_pages;
  summary.stored_pages = info.stored_pages;
  summary.cpus = info.cpus;
  summary.uts = read_names(session);
  summary.crash_time = read_crash_time(session);
  summary.story = read_story(session);
  summary.pages = count_pages(session, page_limit);
  return summary;
}

}  // namespace lifeboat::inspect
