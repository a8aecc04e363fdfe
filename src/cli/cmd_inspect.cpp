// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat inspect DUMP [log|sys]
#include <algorithm>
#include <ctime>
#include <iostream>

#include "base/log.h"
#include "base/size.h"
#include "cli/command.h"
#include "inspect/log.h"
#include "inspect/sys.h"

namespace lifeboat::cli {
namespace {

using nlohmann::ordered_json;

std::string format_utc(uint64_t seconds) {
  const auto time = static_cast<time_t>(seconds);
  tm parts{};
  // Beyond what a year of four digits can say the number itself is more honest.
  if (seconds > 253402300799 || gmtime_r(&time, &parts) == nullptr)
    return fmt::format("{} s after 1970", seconds);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

std::string format_uptime(uint64_t nanoseconds) {
  const uint64_t seconds = nanoseconds / 1'000'000'000;
  const uint64_t days = seconds / 86400;
  const std::string clock =
      fmt::format("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
  return days == 0 ? clock : fmt::format("{} days, {}", days, clock);
}

// Text of a dump goes to a terminal: nothing in it may command that, or begin a line of its own.
std::string one_line(std::string_view text) {
  std::string line = escape_text(text);
  std::ranges::replace_if(line, [](char c) { return c >= 0 && c < ' '; }, ' ');
  return line;
}

void print_row(std::string_view name, std::string_view text) {
  fmt::print("{:<12}{}\n", name, one_line(text));
}
std::string cannot_tell(const Error& error) {
  return fmt::format("cannot tell: {}", error.message);
}

void print_container(const inspect::MachineSummary& summary) {
  std::string text(format_name(summary.format));
  if (summary.flattened) text += ", flattened";
  if (summary.compression) text += fmt::format(", compression {}", compression_name(*summary.compression));
  if (summary.dump_level) text += fmt::format(", level {}", *summary.dump_level);
  print_row("dump", text);
  if (summary.missing.empty())
    print_row("whole", "yes, as far as its headers tell ('lifeboat verify' checks every page)");
  for (const auto& reason : summary.missing) print_row("whole", "NO: " + reason);
}

void print_kernel(const inspect::MachineSummary& summary) {
  if (summary.uts) {
    print_row("release", summary.uts->release);
    print_row("version", summary.uts->version);
    print_row("node", summary.uts->nodename);
    print_row("machine", summary.uts->machine);
  } else {
    print_row("release", cannot_tell(summary.uts.error()));
  }
  print_row("CPUs", summary.cpus > 0 ? std::to_string(summary.cpus)
                                     : "cannot tell: the dump has no NT_PRSTATUS notes");
  print_row("memory", format_size(summary.ram_pages * kPageSize));
  print_row("crashed",
            summary.crash_time ? format_utc(*summary.crash_time) : cannot_tell(summary.crash_time.error()));
  if (!summary.story) {
    print_row("panic", cannot_tell(summary.story.error()));
    return;
  }
  print_row("uptime", format_uptime(summary.story->uptime_nanoseconds));
  print_row("panic", summary.story->panic.value_or("the log tells of none"));
  if (summary.story->cause) print_row("cause", *summary.story->cause);
}

void print_pages(const inspect::MachineSummary& summary) {
  // ELF has no way to tell pages that were left out from pages that hold zeros.
  const bool knows_excluded = summary.format != DumpFormat::elf;
  if (!summary.pages) {
    print_row("pages", fmt::format("{} in all, {} stored", summary.ram_pages, summary.stored_pages));
    print_row("", "by use: " + cannot_tell(summary.pages.error()));
    return;
  }
  fmt::print("\n{:<16}{:>14}{:>14}{:>14}\n", "pages", "in all", "stored", "left out");
  const auto row = [knows_excluded](std::string_view name, uint64_t pages, uint64_t stored) {
    fmt::print("  {:<14}{:>14}{:>14}{:>14}\n", name, pages, stored,
               knows_excluded ? std::to_string(pages - std::min(pages, stored)) : "?");
  };
  for (size_t index = 0; index < kPageClasses; ++index) {
    const auto& found = summary.pages->of_class[index];
    if (found.pages > 0) row(page_class_name(static_cast<PageClass>(index)), found.pages, found.stored);
  }
  row("all", summary.ram_pages, summary.stored_pages);
  for (const auto& note : summary.pages->notes) fmt::print("  note: {}\n", one_line(note));
}

// The value, or null and the reason beside it.
void put(ordered_json& document, const std::string& key, const auto& result, const auto& value) {
  if (result) {
    document[key] = value(*result);
  } else {
    document[key] = nullptr;
    document["unknown"][key] = result.error().message;
  }
}

ordered_json to_json(const std::string& path, const inspect::MachineSummary& summary) {
  ordered_json document = {{"dump", path},
                           {"format", format_name(summary.format)},
                           {"flattened", summary.flattened},
                           {"split", summary.split},
                           {"compression", nullptr},
                           {"level", nullptr},
                           {"whole", summary.missing.empty()},
                           {"missing", summary.missing},
                           {"cpus", summary.cpus},
                           {"memory_bytes", summary.ram_pages * kPageSize},
                           {"stored_pages", summary.stored_pages}};
  if (summary.compression) document["compression"] = compression_name(*summary.compression);
  if (summary.dump_level) document["level"] = *summary.dump_level;
  put(document, "utsname", summary.uts, [](const Utsname& uts) -> ordered_json {
    return {{"sysname", uts.sysname}, {"nodename", uts.nodename}, {"release", uts.release},
            {"version", uts.version}, {"machine", uts.machine},   {"domainname", uts.domainname}};
  });
  put(document, "crash_time", summary.crash_time, [](uint64_t seconds) { return ordered_json(seconds); });
  put(document, "crash", summary.story, [](const inspect::CrashStory& story) {
    const auto text = [](const auto& line) { return line ? ordered_json(*line) : ordered_json(); };
    return ordered_json{{"uptime_seconds", static_cast<double>(story.uptime_nanoseconds) / 1e9},
                        {"panic", text(story.panic)},
                        {"cause", text(story.cause)}};
  });
  put(document, "pages", summary.pages, [](const inspect::PageCounts& counts) {
    ordered_json pages;
    for (size_t index = 0; index < kPageClasses; ++index) {
      const auto& found = counts.of_class[index];
      const std::string name(page_class_name(static_cast<PageClass>(index)));
      pages[name] = {{"pages", found.pages}, {"stored", found.stored}};
    }
    pages["notes"] = counts.notes;
    return pages;
  });
  return document;
}

Result<int> print_log(const inspect::Session& session, bool json, ShowCaller show) {
  const KernelLog log = TRY(inspect::read_log(session));
  if (log.unreadable > 0) log::warning("{} records of the log are lost or cannot be read", log.unreadable);
  if (!json) {
    // One record at a time: the whole text may be large.
    for (const auto& record : log.records) std::cout << format_record(record, show);
    return kDone;
  }
  ordered_json records = ordered_json::array();
  for (const auto& record : log.records) {
    records.push_back({{"sequence", record.sequence},
                       {"seconds", static_cast<double>(record.nanoseconds) / 1e9},
                       {"facility", record.facility},
                       {"level", record.level},
                       {"caller", record.caller ? ordered_json(*record.caller) : ordered_json()},
                       {"text", record.text}});
  }
  print_json(records);
  return kDone;
}

int print_sys(const std::string& path, const inspect::Session& session, bool json) {
  const auto summary = inspect::summarize(session);
  if (json) {
    print_json(to_json(path, summary));
    return kDone;
  }
  print_container(summary);
  print_kernel(summary);
  print_pages(summary);
  return kDone;
}

}  // namespace

Result<int> run_inspect(const Arguments& arguments) {
  CommandLine line("inspect", "DUMP [log|sys]",
                   "Tells what a dump holds, with no debug information.\n"
                   "  sys  the machine, its kernel, how it ended, what its memory was used for (default)\n"
                   "  log  the kernel's log, as dmesg prints it");
  line.options().add_options()("caller", "log: show which thread or CPU wrote each record");
  line.positional("DUMP");
  line.positional("VIEW");
  if (!TRY(line.parse(arguments))) return kDone;
  const std::string path = TRY(line.require("DUMP"));
  const std::string view = line.get<std::string>("VIEW", "sys");
  if (view != "sys" && view != "log") {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("inspect: there is no view '{}'", view))
                               .hint("the views are: sys, log"));
  }
  const auto session = TRY(inspect::Session::open(path));
  if (view == "log")
    return print_log(session, line.json(), line.has("caller") ? ShowCaller::yes : ShowCaller::no);
  return print_sys(path, session, line.json());
}

}  // namespace lifeboat::cli
