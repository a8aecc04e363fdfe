// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/machine_summary.h"

#include <algorithm>
#include <ranges>

#include "src/dump/limits.h"
#include "src/inspect/log_records.h"
#include "src/vmcore/utsname.h"

namespace lifeboat::inspect {
namespace {

Result<CrashSummary> read_crash(const Session& session) {
  if (!session.log()) return std::unexpected(session.log().error());
  const KernelLog& log = *session.log();
  if (log.records.empty()) {
    return fail(ErrorCode::not_found, "no record of the kernel's log can be read ({} are damaged)",
                log.unreadable);
  }
  CrashSummary crash = summarize_crash(session.kernel()->architecture(), log.records);
  if (!session.live()) return crash;
  // An error after which the kernel continued is not the crash; the log and the taint show it.
  CrashSummary running;
  running.hardware = std::move(crash.hardware);
  running.uptime_nanoseconds = crash.uptime_nanoseconds;
  return running;
}

// NT_PRSTATUS notes are of CPUs that crashed; a running kernel counts its CPUs itself.
int count_cpus(const Session& session) {
  if (!session.live()) return session.dump().info().cpus;
  if (!session.symbols()) return 0;
  const auto address = session.symbols()->address_of("__num_online_cpus");
  const auto count = address ? session.kernel()->read<int32_t>(*address) : Result<int32_t>(0);
  return std::clamp(count.value_or(0), 0, kMaxCpus);
}

// The container's names; those that it does not have (ELF: all, QEMU: most) from memory.
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

// The last page that should be in the file: a truncated file does not have it. Bounded: a hostile dump may
// leave out all pages of a huge machine.
Result<> read_last_page(Dump& dump) {
  constexpr uint64_t kMaxSteps = uint64_t{1} << 20;
  const PageSize page_size = dump.page_size();
  std::vector<std::byte> page(page_size.bytes());
  uint64_t steps = 0;
  for (const auto& range : dump.ram() | std::views::reverse) {
    for (uint64_t pfn = page_size.frame(range.end); pfn-- > page_size.frame(range.start);) {
      if (++steps > kMaxSteps) return {};
      if (TRY(dump.page_state(pfn)) != PageState::stored) continue;
      return dump.read(page_size.address(pfn), page);
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> find_missing(const Session& session) {
  Dump& dump = session.dump();
  const DumpInfo& info = dump.info();
  std::vector<std::string> missing = info.damage;
  if (info.split) {
    missing.push_back(
        fmt::format("one part of a split dump: page frames {:#x} to {:#x}", info.start_pfn, info.end_pfn));
  } else if (info.live()) {
    // Live memory changes and has no end that could be missing.
  } else if (const auto last = read_last_page(dump); !last) {
    const char* what = last.error().code == ErrorCode::lost ? "the end is missing" : "the end cannot be read";
    missing.push_back(fmt::format("{}: {}", what, last.error().to_string()));
  } else if (info.cut_off) {
    missing.emplace_back("the end is missing: the file ends before the data of some pages");
  }
  if (info.incomplete && missing.empty())
    missing.emplace_back("marked as incomplete by its writer, or cut off");
  if (info.vmcoreinfo.empty())
    missing.emplace_back("no VMCOREINFO: the kernel's memory cannot be understood");
  return missing;
}

MachineSummary summarize(const Session& session) {
  const DumpInfo& info = session.dump().info();
  MachineSummary summary;
  summary.live = info.live();
  summary.format = info.format;
  summary.flattened = info.flattened;
  summary.split = info.split;
  if (info.format == DumpFormat::kdump) summary.compression = info.compression;
  summary.dump_level = info.dump_level;
  summary.missing = find_missing(session);
  summary.page_size = info.page_size;
  summary.ram_pages = info.ram_pages;
  summary.stored_pages = info.stored_pages;
  summary.cpus = count_cpus(session);
  summary.uts = read_names(session);
  summary.crash_time = crash_time(session);
  summary.crash = read_crash(session);
  summary.uptime_nanoseconds = info.uptime_nanoseconds;
  if (!summary.uptime_nanoseconds && summary.crash)
    summary.uptime_nanoseconds = summary.crash->uptime_nanoseconds;
  return summary;
}

}  // namespace lifeboat::inspect
