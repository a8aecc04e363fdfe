// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat status
#include <nlohmann/json.hpp>

#include "loader/machine.h"
#include "loader/obstacles.h"
#include "loader/system_state.h"
#include "src/arming/loaded_state.h"
#include "src/base/size.h"
#include "src/cli/command.h"
#include "src/cli/configuration.h"
#include "src/cli/reservation_report.h"
#include "src/inspect/view_text.h"
#include "src/reservation/failed_reservation.h"
#include "src/reservation/reserved.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;

// null: the running kernel does not report it.
template <typename T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json ranges_json(const std::optional<std::vector<MemoryRange>>& ranges) {
  if (!ranges) return {};
  Json list = Json::array();
  for (const auto& range : *ranges) {
    list.push_back({{"begin", fmt::format("{:#x}", range.begin)}, {"end", fmt::format("{:#x}", range.end)}});
  }
  return list;
}

// What lifeboat loaded for the next crash in this boot, and which of its files have changed on disk since.
struct Loaded {
  std::optional<arming::LoadedState> state;
  arming::FileChanges changes;
};

// The digests of the files are computed each time: that takes some milliseconds, and detects a file that was
// replaced by one of the same size and time.
Loaded read_loaded(const SystemState& state) {
  Loaded loaded;
  loaded.state = arming::loaded_now(state, SystemPaths{});
  if (loaded.state) loaded.changes = arming::changed_files(*loaded.state);
  return loaded;
}

// What is set for the next boot, and why this boot has no reservation.
struct Outlook {
  std::optional<reservation::NextBoot> next;
  std::optional<reservation::FailedReservation> failed;
};

Outlook read_outlook(const SystemPaths& paths) {
  return {.next = next_boot_here(paths),
          .failed = reservation::failed_reservation_here(reservation::read_reserved(paths), std::nullopt)};
}

Json file_json(const arming::LoadedFile& file) {
  return {{"path", file.path}, {"bytes", file.bytes}, {"xxh3", file.digest}};
}

// null: nothing is loaded, or not by lifeboat.
Json loaded_json(const Loaded& loaded) {
  if (!loaded.state) return {};
  Json initramfs = Json::array();
  for (const auto& file : loaded.state->initramfs) initramfs.push_back(file_json(file));
  return {{"kernel", file_json(loaded.state->kernel)},
          {"initramfs", initramfs},
          {"release", loaded.state->release},
          {"command_line", loaded.state->command_line},
          {"call", loaded.state->call},
          {"time", loaded.state->time},
          {"dump_level", loaded.state->dump_level.empty() ? Json() : Json(loaded.state->dump_level)},
          {"changed", loaded.changes.changed},
          {"unreadable", loaded.changes.unreadable}};
}

Json to_json(const SystemState& state, const std::vector<Error>& reasons, const Loaded& loaded,
             const Outlook& outlook) {
  Json why = Json::array();
  for (const auto& reason : reasons) why.push_back({{"reason", reason.message}, {"next", reason.fix}});
  return {{"armed", reasons.empty()},
          {"why_not", why},
          {"crash_loaded", json_or_null(state.crash_loaded)},
          {"kexec_loaded", json_or_null(state.normal_loaded)},
          {"crash_size", json_or_null(state.crash_size)},
          {"crash_ranges", ranges_json(state.crash_ranges)},
          {"crash_cma_ranges", ranges_json(read_crash_cma(SystemPaths{}.sys))},
          {"load_disabled", json_or_null(state.load_disabled)},
          {"load_limit_panic", json_or_null(state.crash_load_limit)},
          {"load_limit_reboot", json_or_null(state.normal_load_limit)},
          {"lockdown", state.lockdown ? Json(lockdown_name(*state.lockdown)) : Json()},
          {"secure_boot", json_or_null(state.secure_boot)},
          {"cpu_hotplug", json_or_null(state.cpu_hotplug)},
          {"memory_hotplug", json_or_null(state.memory_hotplug)},
          {"release", json_or_null(state.release)},
          {"signature_forced", json_or_null(state.signature_forced)},
          {"preserved_memory", state.handover.empty() ? Json() : Json(state.handover)},
          {"xen", xen_domain_name(state.xen)},
          {"ima_appraises_kernels", json_or_null(state.ima_appraises_kernels)},
          {"next_boot", next_boot_json(outlook.next)},
          {"reservation_failure", failure_json(outlook.failed)},
          {"loaded", loaded_json(loaded)}};
}

std::string yes_no(const std::optional<bool>& value) {
  return value ? (*value ? "yes" : "no") : "not known";
}

std::string reservation_text(const SystemState& state) {
  if (!state.crash_size) return "not known";
  if (*state.crash_size == 0) return "none";
  std::string text = format_size(*state.crash_size);
  for (const auto& range : state.crash_ranges.value_or(std::vector<MemoryRange>{})) {
    text += fmt::format("{} {:#x}-{:#x}", &range == &state.crash_ranges->front() ? " at" : ",", range.begin,
                        range.end);
  }
  // crashkernel=,cma
  if (const uint64_t shared = total_size(read_crash_cma(SystemPaths{}.sys)); shared != 0)
    text += fmt::format("; {} more, used by programs until the crash", format_size(shared));
  return text;
}

std::string limit_text(const SystemState& state) {
  if (state.load_disabled == true) return "none: kernel.kexec_load_disabled is 1";
  if (!state.crash_load_limit || *state.crash_load_limit < 0) return "without a limit";
  return fmt::format("{} more for a crash", *state.crash_load_limit);
}

void print_loaded(const SystemState& state, const Loaded& loaded) {
  if (state.crash_loaded != true) return;
  if (!loaded.state) {
    fmt::print("  loaded for a crash       not by lifeboat: its files are not known\n");
    return;
  }
  const auto print_digest = [](const arming::LoadedFile& file) {
    fmt::print("      xxh3                 {}, {}\n", file.digest, format_size(file.bytes));
  };
  fmt::print("  loaded for a crash       {} ({})\n", loaded.state->kernel.path, loaded.state->release);
  print_digest(loaded.state->kernel);
  for (const auto& file : loaded.state->initramfs) {
    fmt::print("    initramfs              {}\n", file.path);
    print_digest(file);
  }
  fmt::print("    command line           {}\n", one_line(loaded.state->command_line));
  if (const auto& level = loaded.state->dump_level; !level.empty())
    fmt::print("    dump level             {}{}\n", level,
               level == "none" ? ": only log and report, no dump" : "");
  fmt::print("    by                     {}, {}\n",
             loaded.state->call == "file" ? "kexec_file_load" : "kexec_load",
             inspect::format_utc(loaded.state->time));
  for (const auto& change : loaded.changes.changed)
    fmt::print("    {}; to load it again: lifeboat load --crash\n", change);
  for (const auto& path : loaded.changes.unreadable)
    fmt::print("    only root can check whether {} has changed\n", path);
}

void print_text(const SystemState& state, const std::vector<Error>& reasons, const Loaded& loaded,
                const Outlook& outlook) {
  fmt::print("{}\n", reasons.empty() ? "armed: a capture kernel is loaded" : "NOT armed");
  for (const auto& reason : reasons) fmt::print("  {}\n    fix: {}\n", reason.message, reason.fix);
  fmt::print("  reserved memory          {}\n", reservation_text(state));
  if (outlook.failed) fmt::print("                           {}\n", failure_text(*outlook.failed));
  if (outlook.next) fmt::print("  set                      {}\n", next_boot_text(*outlook.next));
  print_loaded(state, loaded);
  fmt::print("  loaded for a kexec       {}\n", yes_no(state.normal_loaded));
  fmt::print("  lockdown                 {}\n",
             state.lockdown ? lockdown_name(*state.lockdown) : "not known");
  fmt::print("  Secure Boot              {}\n", yes_no(state.secure_boot));
  fmt::print("  signature forced         {}\n", yes_no(state.signature_forced));
  fmt::print("  IMA appraises kernels    {}\n", yes_no(state.ima_appraises_kernels));
  if (!state.handover.empty()) fmt::print("  Kexec Handover (KHO)     on: {}\n", state.handover);
  if (state.xen != XenDomain::none) fmt::print("  Xen                      {}\n", xen_domain_name(state.xen));
  fmt::print("  loads permitted          {}\n", limit_text(state));
  fmt::print("  follows CPU hotplug      {}\n", yes_no(state.cpu_hotplug));
  fmt::print("  follows memory hotplug   {}\n", yes_no(state.memory_hotplug));
}

}  // namespace

Result<int> run_status(const Arguments& arguments) {
  CommandLine line("status", "[--json]",
                   "Show whether a capture kernel is loaded for a crash of this machine.\n"
                   "Exit code 0: armed, a capture kernel is loaded; 3: not armed, with the reason.");
  if (!TRY(line.parse(arguments))) return kDone;
  const SystemState state = read_system_state(SystemPaths{});
  const std::vector<Error> reasons = not_armed_because(state);
  const Loaded loaded = read_loaded(state);
  const Outlook outlook = read_outlook(SystemPaths{});
  if (line.json()) {
    print_json(to_json(state, reasons, loaded, outlook));
  } else {
    print_text(state, reasons, loaded, outlook);
  }
  return reasons.empty() ? kDone : kNo;
}

}  // namespace lifeboat::cli
