// SPDX-License-Identifier: GPL-2.0-or-later
#include <nlohmann/json.hpp>

#include "src/base/size.h"
#include "src/cli/inspect/view.h"
#include "src/inspect/machine_summary.h"

namespace lifeboat::cli {
namespace {

using nlohmann::ordered_json;

void print_container(const inspect::MachineSummary& summary) {
  if (summary.live) {
    print_row("source", "the memory of the running kernel; it changes while it is read");
    for (const auto& reason : summary.missing) print_row("missing", reason);
    return;
  }
  for (const auto& reason : summary.missing) print_row("whole", "NO: " + reason);
  std::string text(format_name(summary.format));
  if (summary.flattened) text += ", flattened";
  if (summary.compression) text += fmt::format(", compression {}", compression_name(*summary.compression));
  if (summary.dump_level) text += fmt::format(", level {}", *summary.dump_level);
  print_row("dump", text);
  if (summary.missing.empty())
    print_row("whole", "yes, by its headers ('lifeboat verify' checks every page)");
}

void print_kernel(const inspect::MachineSummary& summary) {
  if (summary.uts) {
    print_row("release", summary.uts->release);
    print_row("version", summary.uts->version);
    print_row("node", summary.uts->nodename);
    print_row("machine", summary.uts->machine);
  } else {
    print_row("release", inspect::unknown_because(summary.uts.error()));
  }
  print_row("CPUs", summary.cpus > 0 ? std::to_string(summary.cpus)
                    : summary.live   ? "not available: the kernel does not report how many are online"
                                     : "not available: the dump has no NT_PRSTATUS notes");
  print_row("memory", format_size(summary.ram_bytes()));
  if (summary.live) {
    if (summary.uptime_nanoseconds) print_row("uptime", inspect::format_uptime(*summary.uptime_nanoseconds));
    print_row("state", "running");
    return;
  }
  print_row("crashed", summary.crash_time ? inspect::format_utc(*summary.crash_time)
                                          : inspect::unknown_because(summary.crash_time.error()));
  if (!summary.crash) {
    print_row("panic", inspect::unknown_because(summary.crash.error()));
    return;
  }
  print_row("uptime", inspect::format_uptime(summary.crash->uptime_nanoseconds));
  print_row("panic", summary.crash->panic.value_or("none found in the log"));
  if (summary.crash->cause) print_row("cause", *summary.crash->cause);
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
                           {"live", summary.live},
                           {"flattened", summary.flattened},
                           {"split", summary.split},
                           {"compression", nullptr},
                           {"level", nullptr},
                           {"whole", summary.live ? ordered_json() : ordered_json(summary.missing.empty())},
                           {"missing", summary.missing},
                           {"cpus", summary.cpus},
                           {"memory_bytes", summary.ram_bytes()},
                           {"stored_pages", summary.stored_pages}};
  if (summary.compression) document["compression"] = compression_name(*summary.compression);
  if (summary.dump_level) document["level"] = *summary.dump_level;
  put(document, "utsname", summary.uts, [](const Utsname& uts) -> ordered_json {
    return {{"sysname", uts.sysname}, {"nodename", uts.nodename}, {"release", uts.release},
            {"version", uts.version}, {"machine", uts.machine},   {"domainname", uts.domainname}};
  });
  put(document, "crash_time", summary.crash_time, [](uint64_t seconds) { return ordered_json(seconds); });
  if (summary.live) {
    document["uptime_seconds"] = static_cast<double>(summary.uptime_nanoseconds.value_or(0)) / 1e9;
    document["crash"] = nullptr;
    document["unknown"]["crash"] = "the kernel is running: it did not crash";
    return document;
  }
  put(document, "crash", summary.crash, [](const inspect::CrashSummary& crash) {
    const auto text = [](const auto& line) { return line ? ordered_json(*line) : ordered_json(); };
    return ordered_json{{"uptime_seconds", static_cast<double>(crash.uptime_nanoseconds) / 1e9},
                        {"panic", text(crash.panic)},
                        {"cause", text(crash.cause)}};
  });
  return document;
}

}  // namespace

void print_row(std::string_view name, std::string_view text) {
  fmt::print("{:<12}{}\n", name, one_line(text));
}

Result<int> view_sys(const View& view) {
  TRY_VOID(view.expect_arguments("sys", 0, 0));
  const auto summary = inspect::summarize(view.session);
  if (view.json()) {
    ordered_json document = to_json(view.path, summary);
    add_page_counts(view.session, document);
    view.print(document);
    return kDone;
  }
  print_container(summary);
  print_kernel(summary);
  print_page_counts(view.session);
  return kDone;
}

}  // namespace lifeboat::cli
