// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat reserve [show|estimate|set SIZE|shrink SIZE]
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "src/arming/loaded_state.h"
#include "src/arming/needs.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/base/spelling.h"
#include "src/base/text.h"
#include "src/cli/configuration.h"
#include "src/cli/reservation_report.h"
#include "src/reservation/crash_cma.h"
#include "src/reservation/failed_reservation.h"
#include "src/reservation/recorded_plan.h"
#include "src/reservation/reserved.h"
#include "src/reservation/size_choice.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;
using reservation::Estimate;
using reservation::Reserved;

template <typename T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json ranges_json(const std::vector<MemoryRange>& ranges) {
  Json list = Json::array();
  for (const auto& range : ranges)
    list.push_back({{"begin", fmt::format("{:#x}", range.begin)}, {"end", fmt::format("{:#x}", range.end)}});
  return list;
}

std::string ranges_text(const std::vector<MemoryRange>& ranges) {
  std::string text;
  for (const auto& range : ranges)
    text += fmt::format("{}{} at {:#x}-{:#x}", text.empty() ? "" : ", ", format_size(range.size()),
                        range.begin, range.end);
  return text;
}

std::vector<arming::LoadedFile> loaded_files(const std::optional<arming::LoadedState>& loaded) {
  if (!loaded) return {};
  std::vector<arming::LoadedFile> files = {loaded->kernel};
  files.insert(files.end(), loaded->initramfs.begin(), loaded->initramfs.end());
  return files;
}

// What is set for the next boot, and why this boot has no reservation.
struct Outlook {
  std::optional<reservation::NextBoot> next;
  std::optional<reservation::FailedReservation> failed;
};

// null: not known.
Json cma_support_json() {
  const auto support = reservation::crash_cma_support(SystemPaths{});
  if (support == reservation::CmaSupport::unknown) return {};
  return support == reservation::CmaSupport::yes;
}

Json show_json(const Reserved& reserved, const SystemState& state,
               const std::optional<arming::LoadedState>& loaded, const Outlook& outlook) {
  const bool unfinished = outlook.next && !outlook.next->complete;
  Json asked = Json::array();
  for (const auto& parameter : reserved.asked.parameters)
    asked.push_back({{"kind", reservation::kind_name(parameter.kind)}, {"text", parameter.text}});
  Json files = Json::array();
  for (const auto& file : loaded_files(loaded)) files.push_back({{"path", file.path}, {"bytes", file.bytes}});
  return {{"asked", asked},
          {"mistakes", reserved.asked.mistakes},
          {"unfinished", unfinished ? Json(outlook.next->value) : Json()},
          {"next_boot", next_boot_json(outlook.next)},
          {"failure", failure_json(outlook.failed)},
          {"ram", json_or_null(reserved.ram)},
          {"asked_bytes", json_or_null(reserved.asked_size)},
          {"asked_bytes_rounded_ram", json_or_null(reserved.asked_size_rounded)},
          {"got_bytes", json_or_null(reserved.got)},
          {"low", ranges_json(reserved.low)},
          {"high", ranges_json(reserved.high)},
          {"cma", ranges_json(reserved.cma)},
          {"cma_asked_bytes", reserved.asked.cma ? Json(reserved.asked.cma->size) : Json()},
          {"cma_got_bytes", json_or_null(reserved.cma_got)},
          {"cma_problem", reservation::cma_shortage(reserved)},
          {"cma_supported", cma_support_json()},
          {"addresses_hidden", reserved.addresses_hidden},
          {"loaded", json_or_null(state.crash_loaded)},
          {"xen", xen_domain_name(state.xen)},
          {"files", files}};
}

void print_requested(const Reserved& reserved) {
  if (!reserved.asked.any())
    fmt::print("requested nothing: there is no crashkernel= on the kernel command line\n");
  for (const auto& parameter : reserved.asked.parameters)
    fmt::print("requested crashkernel={}\n", parameter.text);
  for (const auto& mistake : reserved.asked.mistakes) fmt::print("requested {}\n", mistake);
  if (reserved.asked.main && !reserved.asked.main->ranges.empty() && reserved.asked_size) {
    fmt::print("          {} on a machine with {}", format_size(*reserved.asked_size),
               format_size(*reserved.ram));
    if (reserved.asked_size_rounded != reserved.asked_size)
      fmt::print("; {} where the kernel rounds that up to 128 MiB",
                 format_size(*reserved.asked_size_rounded));
    fmt::print("\n");
  }
}

void print_show(const Reserved& reserved, const SystemState& state,
                const std::optional<arming::LoadedState>& loaded, const Outlook& outlook) {
  if (state.xen == XenDomain::dom0)
    fmt::print("xen       this is Xen's dom0, where Xen reserves the memory: {}\n", kXenCommandLine);
  print_requested(reserved);
  if (outlook.next) fmt::print("set       {}\n", next_boot_text(*outlook.next));
  fmt::print("reserved  {}\n", !reserved.got        ? "not known: the running kernel does not report it"
                               : *reserved.got == 0 ? "nothing"
                                                    : format_size(*reserved.got));
  if (outlook.failed) {
    fmt::print("          {}\n", failure_text(*outlook.failed));
    for (const auto& text : outlook.failed->log)
      fmt::print("          the kernel's log: {}\n", one_line(text));
  }
  if (reserved.addresses_hidden) fmt::print("          the addresses are shown to root only\n");
  if (!reserved.low.empty()) fmt::print("  below 4 GiB  {}\n", ranges_text(reserved.low));
  if (!reserved.high.empty()) fmt::print("  above 4 GiB  {}\n", ranges_text(reserved.high));
  if (!reserved.cma.empty())
    fmt::print("  cma          {}, used by programs until the crash\n", ranges_text(reserved.cma));
  if (const auto problem = reservation::cma_shortage(reserved); !problem.empty())
    fmt::print("  cma          {}\n", problem);
  if (state.crash_loaded != true) {
    fmt::print("used      {}\n",
               state.crash_loaded ? "nothing is loaded" : "not known: the running kernel does not report it");
    return;
  }
  const auto files = loaded_files(loaded);
  if (files.empty()) fmt::print("used      a kernel is loaded, not by lifeboat: its size is not known\n");
  for (const auto& file : files)
    fmt::print("{}  {}  {}\n", &file == &files.front() ? "used    " : "        ", format_size(file.bytes),
               file.path);
}

Result<int> show(const CommandLine& line) {
  const SystemPaths paths;
  const Reserved reserved = reservation::read_reserved(paths);
  const SystemState state = read_system_state(paths);
  const auto loaded = arming::loaded_now(state, paths);
  const Outlook outlook{.next = next_boot_here(paths),
                        .failed = reservation::failed_reservation_here(reserved, std::nullopt)};
  if (line.json()) {
    print_json(show_json(reserved, state, loaded, outlook));
  } else {
    print_show(reserved, state, loaded, outlook);
  }
  return kDone;
}

Result<Estimate> estimate_of(const CommandLine& line) {
  return arming::estimate_needs(
      TRY(read_config(line)),
      {.kernel = line.get("kernel"), .module_folder = line.get("modules"), .init = line.get("init")},
      SystemPaths{});
}

// The same need as crashkernel=,cma, where the running kernel has that; empty: it has not, or nothing to
// share.
std::string offered_cma(const Estimate& estimate) {
  const bool has = reservation::crash_cma_support(SystemPaths{}) == reservation::CmaSupport::yes;
  return has ? reservation::value_with_cma(estimate) : std::string();
}

void print_offer(const std::string& offer) {
  fmt::print(
      "or '{}', where programs use the second part until the crash: 'lifeboat reserve set auto --cma'\n",
      offer);
  for (const auto& cost : reservation::crash_cma_costs()) fmt::print("  its cost: {}\n", cost);
}

Json offer_json(const std::string& offer) {
  if (offer.empty()) return {};
  return {{"crashkernel", offer}, {"costs", reservation::crash_cma_costs()}};
}

Result<int> estimate(const CommandLine& line) {
  const Estimate estimate = TRY(estimate_of(line));
  const std::string offer = offered_cma(estimate);
  if (line.json()) {
    Json parts = Json::array();
    for (const auto& part : estimate.parts)
      parts.push_back({{"name", part.name}, {"bytes", part.bytes}, {"from", part.from}});
    print_json({{"bytes", estimate.total},
                {"least", estimate.least},
                {"cpus", estimate.cpus},
                {"bounce_buffers", estimate.bounce_buffers},
                {"cma", offer_json(offer)},
                {"parts", parts}});
    return kDone;
  }
  fmt::print("{:<22} {:>10}\n", "reserve", format_size(estimate.total));
  for (const auto& part : estimate.parts)
    fmt::print("  {:<20} {:>10}  {}\n", part.name, format_size(part.bytes), part.from);
  fmt::print("'lifeboat reserve set auto' sets this size; 'lifeboat rehearse' tests whether it is enough\n");
  if (!offer.empty()) print_offer(offer);
  return kDone;
}

// --undo is another way to write it.
Result<std::string> wanted_size(const CommandLine& line) {
  if (!line.has("undo")) return line.require("SIZE");
  if (line.get("SIZE", "none") == "none") return "none";
  return fail(ErrorCode::usage, "reserve set: --undo takes no SIZE: it means 'set none'");
}

std::string names_of(const std::vector<reservation::BootLoader>& loaders) {
  std::string names;
  for (const auto loader : loaders) {
    names += names.empty() ? "" : ", ";
    names += boot_loader_name(loader);
  }
  return names.empty() ? "no boot loader" : names;
}

bool changes_nothing(const reservation::Setting& setting) {
  return setting.edits.empty() && setting.commands.empty() && setting.remains.empty();
}

void print_dry_run(const reservation::Setting& setting) {
  fmt::print("{}", setting.diff());
  for (const auto& command : setting.commands)
    fmt::print("would run: {}\n", reservation::shell_text(command));
  for (const auto& remaining : setting.remains) fmt::print("would remain to be done: {}\n", remaining);
}

// Nothing is said to be in effect while something remains to be done.
void print_setting(const CommandLine& line, const reservation::Setting& setting) {
  if (changes_nothing(setting)) {
    fmt::print("{}: nothing to change\n", names_of(setting.boot_loaders));
    return;
  }
  if (line.has("dry-run")) return print_dry_run(setting);
  for (const auto& edit : setting.edits) {
    if (!edit.own_record) fmt::print("{} {}\n", edit.after ? "wrote" : "removed", edit.path);
  }
  for (const auto& command : setting.commands) fmt::print("ran {}\n", reservation::shell_text(command));
  const std::string what =
      setting.value.empty() ? "no crashkernel= set by lifeboat" : "crashkernel=" + setting.value;
  if (setting.remains.empty()) {
    fmt::print("{} from the next boot on\n", what);
    return;
  }
  fmt::print("not in effect yet: {}, once this has been done{}:\n", what,
             setting.root == "/" ? "" : fmt::format(" in the system below {}", setting.root));
  for (const auto& remaining : setting.remains) fmt::print("  {}\n", remaining);
}

Json setting_json(const CommandLine& line, const reservation::Setting& setting, const std::string& offer) {
  Json files = Json::array(), foreign = Json::array();
  for (const auto& edit : setting.edits) {
    if (!edit.own_record) files.push_back(edit.path);
  }
  for (const auto& [where, parameter] : setting.foreign)
    foreign.push_back({{"where", where}, {"parameter", parameter}});
  return {{"boot_loader", names_of(setting.boot_loaders)},
          {"crashkernel", setting.value},
          {"changed", !changes_nothing(setting)},
          {"dry_run", line.has("dry-run")},
          {"files", files},
          {"foreign", foreign},
          {"diff", setting.diff()},
          {"command", setting.commands.empty() ? reservation::LoaderCommand() : setting.commands.front()},
          {"commands", setting.commands},
          {"complete", setting.remains.empty()},
          {"remains", setting.remains},
          {"offer", offer_json(offer)},
          {"notes", setting.notes}};
}

Result<int> set(const CommandLine& line) {
  reservation::SizeRequest request{
      .root = line.get("root", "/"), .this_machine = !line.has("root"), .force = line.has("force")};
  if (line.has("boot-loader"))
    request.boot_loader = TRY(reservation::parse_boot_loader(line.get("boot-loader")));
  request.size = TRY(wanted_size(line));
  if (line.has("cma")) {
    if (request.size != "auto") return fail(ErrorCode::usage, "reserve set: --cma is for 'set auto'");
    request.auto_parts = reservation::AutoParts::with_cma;
  }
  // A configuration that cannot be read fails where it is needed, in the estimate.
  if (const auto config = read_config(line)) request.levels = config->dump.level;
  std::vector<std::string> warnings;
  std::string offer;
  const auto estimator = [&]() -> Result<Estimate> {
    Estimate estimate = TRY(estimate_of(line));
    if (request.size == "auto" && !line.has("cma") && !line.has("root")) offer = offered_cma(estimate);
    return estimate;
  };
  const auto chosen = TRY(reservation::choose_setting(request, estimator, warnings));
  for (const auto& warning : warnings) log::warning("{}", warning);
  if (!chosen) {
    if (line.json()) {
      print_json({{"changed", false}});
    } else {
      fmt::print("nothing to set again in boot entries\n");
    }
    return kDone;
  }
  const auto setting = TRY(reservation::plan_setting(*chosen));
  if (!line.has("dry-run")) TRY_VOID(reservation::carry_out(setting));
  for (const auto& note : setting.notes) log::warning("{}", note);
  for (const auto& [where, parameter] : setting.foreign)
    log::warning("{} has {}, not set by lifeboat", where, parameter);
  if (line.json()) {
    print_json(setting_json(line, setting, offer));
  } else {
    print_setting(line, setting);
    if (!offer.empty()) print_offer(offer);
  }
  return setting.remains.empty() || line.has("dry-run") ? kDone : kNo;
}

Result<int> shrink(const CommandLine& line) {
  const uint64_t size = TRY_CONTEXT(parse_size(TRY(line.require("SIZE"))), "reserve shrink");
  const auto enough = line.has("force") ? reservation::Enough::forced : reservation::Enough::estimated;
  const uint64_t now =
      TRY(reservation::shrink_to(size, enough, [&] { return estimate_of(line); }, SystemPaths{}));
  if (line.json()) {
    print_json({{"bytes", now}});
  } else {
    fmt::print("{} reserved until the next boot; then crashkernel= applies again\n", format_size(now));
    fmt::print("no capture kernel is loaded; to load one: lifeboat load --crash\n");
  }
  return kDone;
}

constexpr std::array<std::string_view, 4> kActions = {"show", "estimate", "set", "shrink"};

// `set auto` and `shrink` estimate too.
const std::vector<OptionOwners>& option_owners() {
  static const std::vector<OptionOwners> owners = {
      {"boot-loader", {"set"}},
      {"root", {"set"}},
      {"dry-run", {"set"}},
      {"undo", {"set"}},
      {"cma", {"set"}},
      {"force", {"set", "shrink"}},
      {"kernel", {"estimate", "set", "shrink"}},
      {"modules", {"estimate", "set", "shrink"}},
      {"init", {"estimate", "set", "shrink"}},
  };
  return owners;
}

}  // namespace

Result<int> run_reserve(const Arguments& arguments) {
  CommandLine line(
      "reserve", "[show | estimate | set SIZE | shrink SIZE] [options]",
      "Show, estimate, set or shrink the memory that is reserved for the capture kernel (crashkernel=).\n"
      "  show         show what was requested, what the kernel reserved, and what is loaded into it\n"
      "  estimate     show how much this machine needs, part by part\n"
      "  set SIZE     set it in the boot loader's configuration, for the next boot (exit code 3: not before "
      "the\n"
      "               printed commands have run): a size (256M), auto\n"
      "               (the estimate), any value of crashkernel= ('1G,high 128M,low'), none (remove what\n"
      "               lifeboat set), or again (the earlier value, for boot entries that are new since)\n"
      "  shrink SIZE  give the memory above SIZE back to the running kernel, while nothing is loaded. It\n"
      "               cannot be reserved again before the next boot");
  // clang-format off
  line.options()
    ("boot-loader", Takes::text, "set: grub, bls, systemd-boot, proxmox-boot-tool, kernelstub, rpm-ostree, sdbootutil, uki, extlinux, raspberry-pi, flash-kernel, zipl, refind or limine (default: the one that started this system)")
    ("root", Takes::text, "set: the root folder of the system whose boot loader is configured (default: /)")
    ("dry-run,n", "set: only show what would change, as a unified diff")
    ("undo", "set: the same as 'set none'")
    ("cma", "set auto: a part of it as crashkernel=,cma, which programs use until the crash")
    ("force", "set: also when crashkernel= was not set by lifeboat, when the size is not enough, or where Xen starts first; shrink: also below the estimate")
    ("kernel", Takes::text, "estimate, set, shrink: the capture kernel's file (default: as for 'build')")
    ("modules", Takes::text, "estimate, set, shrink: its module tree")
    ("init", Takes::text, "estimate, set, shrink: the program lifeboat-init");
  // clang-format on
  line.positional("ACTION");
  line.positional("SIZE");
  add_config_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  const std::string action = line.get("ACTION", "show");
  if (std::ranges::find(kActions, action) == kActions.end()) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("reserve: there is no action '{}'", action))
                               .hint(suggest_name(action, kActions)));
  }
  TRY_VOID(line.check_owners(option_owners(), action));
  const bool takes_size = action == "set" || action == "shrink";
  if (line.has("SIZE") && !takes_size) return fail(ErrorCode::usage, "reserve {}: takes no SIZE", action);
  if (action == "show") return show(line);
  if (action == "estimate") return estimate(line);
  if (action == "set") return set(line);
  return shrink(line);
}

}  // namespace lifeboat::cli
