// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat inspect DUMP [sys|log]
#include <ctime>

#include "base/log.h"
#include "base/size.h"
#include "cli/command.h"
#include "inspect/sys.h"
#include "kernel/printk.h"

namespace lifeboat::cli {
namespace {

using inspect::MachineSummary;
using inspect::Session;

std::string format_time(uint64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  char text[64];
  if (::gmtime_r(&time, &parts) == nullptr || std::strftime(text, sizeof text, "%F %T UTC", &parts) == 0)
    return fmt::format("{} s after 1970", seconds);
  return text;
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<uint64_t>(seconds);
  const uint64_t days = whole / 86400, hours = whole / 3600 % 24, minutes = whole / 60 % 60;
  if (whole < 60) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{}{:02}:{:02}:{:02}", days > 0 ? fmt::format("{} d ", days) : "", hours, minutes, whole % 60);
}

void print_pages(const inspect::PageCounts& pages) {
  fmt::print("\n{:<14} {:>12} {:>12}\n", "pages", "of the machine", "in the dump");
  for (size_t index = 0; index < kPageClasses; ++index) {
    const auto& count = pages.classes[index];
    if (count.pages == 0) continue;
    fmt::print("  {:<14} {:>12} {:>12}\n", page_class_name(static_cast<PageClass>(index)), count.pages, count.stored);
  }
  if (pages.undescribed > 0) fmt::print("  ({} of the kernel's have no descriptor in the dump)\n", pages.undescribed);
}

void print_sys(const std::string& path, const MachineSummary& summary) {
  const auto line = [](std::string_view name, const std::string& value) {
    if (!value.empty()) fmt::print("{:<14} {}\n", name, value);
  };
  const DumpInfo& info = summary.container;
  std::string format = fmt::format("{}{}", format_name(info.format), info.flattened ? ", flattened" : "");
  if (info.format == DumpFormat::kdump) format += fmt::format(", {}", compression_name(info.compression));
  line("dump", path);
  line("format", format);
  line("state", summary.whole ? "whole" : "INCOMPLETE: not all that was to be saved is there");
  if (info.split) line("split", fmt::format("one part: page frames {} to {}", info.start_pfn, info.end_pfn));
  if (info.dump_level) line("dump level", fmt::format("{}", *info.dump_level));
  line("release", summary.uts.release);
  line("version", summary.uts.version);
  line("node", summary.uts.nodename);
  line("machine", summary.uts.machine);
  if (info.cpus > 0) line("CPUs", fmt::format("{}", info.cpus));
  line("memory", format_size(info.ram_pages * kPageSize));
  if (summary.crash_time) line("crashed", format_time(*summary.crash_time));
  if (summary.uptime) line("uptime", format_duration(*summary.uptime));
  line("panic", summary.panic);
  line("cause", summary.cause);
  if (summary.pages) print_pages(*summary.pages);
  for (const auto& gap : summary.gaps) fmt::print("not told: {}\n", gap);
}

template <typename T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

nlohmann::ordered_json to_json(const std::string& path, const MachineSummary& summary) {
  const DumpInfo& info = summary.container;
  nlohmann::ordered_json classes;
  if (summary.pages) {
    for (size_t index = 0; index < kPageClasses; ++index) {
      const auto& count = summary.pages->classes[index];
      classes[std::string(page_class_name(static_cast<PageClass>(index)))] = {{"pages", count.pages},
                                                                             {"stored", count.stored}};
    }
  }
  return {{"dump", path},
          {"format", format_name(info.format)},
          {"flattened", info.flattened},
          {"compression", compression_name(info.compression)},
          {"whole", summary.whole},
          {"split", info.split},
          {"dump_level", or_null(info.dump_level)},
          {"sysname", summary.uts.sysname},
          {"release", summary.uts.release},
          {"version", summary.uts.version},
          {"nodename", summary.uts.nodename},
          {"machine", summary.uts.machine},
          {"cpus", info.cpus},
          {"ram_pages", info.ram_pages},
          {"stored_pages", info.stored_pages},
          {"crash_time", or_null(summary.crash_time)},
          {"uptime", or_null(summary.uptime)},
          {"panic", summary.panic},
          {"cause", summary.cause},
          {"page_classes", classes},
          {"not_told", summary.gaps}};
}

Result<int> show_sys(const std::string& path, const Session& session, bool json) {
  const MachineSummary summary = inspect::summarize(session);
  if (json) {
    print_json(to_json(path, summary));
  } else {
    print_sys(path, summary);
  }
  return kDone;
}

Result<int> show_log(const std::string& path, const Session& session, bool json) {
  if (!session.kernel()) return std::unexpected(Error(session.kernel().error()).context(path));
  const KernelLog log = TRY_CONTEXT(read_kernel_log(*session.kernel()), "{}", path);
  if (json) {
    auto records = nlohmann::ordered_json::array();
    for (const auto& record : log.records) {
      records.push_back({{"sequence", record.sequence},
                         {"seconds", static_cast<double>(record.nanoseconds) / 1e9},
                         {"facility", record.facility},
                         {"level", record.level},
                         {"caller", record.caller},
                         {"text", record.text}});
    }
    print_json(records);
  } else {
    fmt::print("{}", format_log(log));
  }
  if (log.unreadable > 0) log::warning("{}: {} log records cannot be read", path, log.unreadable);
  return kDone;
}

}  // namespace

Result<int> run_inspect(const Arguments& arguments) {
  CommandLine line("inspect", "DUMP [sys|log]",
                   "Tells what a dump holds, with no debug symbols.\n"
                   "  sys  the machine, what ended it, and how much of it there is (default)\n"
                   "  log  the kernel's log, as dmesg prints it");
  line.positional("DUMP");
  line.positional("VIEW");
  if (!TRY(line.parse(arguments))) return kDone;
  const std::string path = TRY(line.require("DUMP"));
  const std::string view = line.get("VIEW", std::string("sys"));
  if (view != "sys" && view != "log") {
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("inspect: there is no view '{}'", view)).hint("there are: sys, log"));
  }
  const Session session = TRY(Session::open(path));
  return view == "sys" ? show_sys(path, session, line.json()) : show_log(path, session, line.json());
}

}  // namespace lifeboat::cli
