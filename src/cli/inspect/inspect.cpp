// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat inspect DUMP [VIEW [ARGUMENT...]]
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "src/base/log.h"
#include "src/base/size.h"
#include "src/base/spelling.h"
#include "src/base/terminal.h"
#include "src/cli/inspect/view.h"
#include "src/debuginfo/kernel_debug_info.h"
#include "src/inspect/machine_summary.h"
#include "src/inspect/names.h"
#include "src/store/missing_dump.h"

namespace lifeboat::cli {
namespace {

struct Entry {
  std::string_view name;
  Result<int> (*run)(const View& view);
};
constexpr std::array kViews = {
    Entry{"report", view_report}, Entry{"log", view_log},       Entry{"bt", view_bt},
    Entry{"ps", view_ps},         Entry{"mod", view_mod},       Entry{"sys", view_sys},
    Entry{"mem", view_mem},       Entry{"sym", view_sym},       Entry{"type", view_type},
    Entry{"read", view_read},     Entry{"search", view_search},
};

// Debug information gives source lines and the types of variables, which only these show.
constexpr std::array<std::string_view, 4> kDebugInfoViews = {"report", "bt", "sym", "read"};

// These report in their first line that the dump is not whole.
constexpr std::array<std::string_view, 2> kOverviews = {"report", "sys"};

const std::vector<OptionOwners>& option_owners() {
  static const std::vector<std::string_view> with_debug_info(kDebugInfoViews.begin(), kDebugInfoViews.end());
  static const std::vector<OptionOwners> owners = {
      {"level", {"log"}},
      {"ctime", {"log"}},
      {"grep", {"log"}},
      {"caller", {"log"}},
      {"all", {"bt"}},
      {"cpu", {"bt"}},
      {"threads", {"ps"}},
      {"tree", {"ps"}},
      {"state", {"ps"}},
      {"memory", {"ps"}},
      {"as", {"read"}},
      {"string", {"search"}},
      {"count", {"read", "search"}},
      {"vmlinux", with_debug_info},
      {"debug-dir", with_debug_info},
  };
  return owners;
}

void add_options(CommandLine& line) {
  line.options()  //
      ("level", Takes::text,
       "log: a level and all worse ones (warn), or just these (err,warn)")                 //
      ("ctime,T", "log: show the time of day (UTC), computed from the time of the crash")  //
      ("grep", Takes::text, "log: only records that contain this text, ignoring case")     //
      ("caller", "log: show which thread or CPU wrote each record")                        //
      ("all,a", "bt: every thread, not only the CPU that panicked")                        //
      ("cpu", Takes::text, "bt: the task that ran on this CPU")                            //
      ("threads", "ps: show every thread, and the idle tasks")                             //
      ("tree", "ps: show children below their parents")                                    //
      ("state", Takes::text, "ps: only tasks in these states, e.g. D or RD")               //
      ("memory", "ps: show the memory of each process")                                    //
      ("as", Takes::text, "read: show it as this type, as string, or as hex")              //
      ("count", Takes::text, "read: how many values; search: stop after so many matches")  //
      ("string", Takes::text, "search: look for this text")                                //
      ("vmlinux", Takes::text,
       "report, bt, sym, read: the kernel file with debug information, for source lines and types of "
       "variables (default: searched by the dump's build id; none: do not use any)")  //
      ("debug-dir", Takes::text,
       "report, bt, sym, read: the folder of debug files (default: /usr/lib/debug)");
}

void open_debug_info(const CommandLine& line, inspect::Session& session) {
  DebugInfoOptions options;
  if (line.has("vmlinux")) options.vmlinux = line.get("vmlinux");
  if (options.vmlinux == "none") return;
  options.debug_folder = line.get("debug-dir", options.debug_folder);
  session.set_debug_info(kernel_debug_info(session, std::move(options)));
}

}  // namespace

Result<> View::expect_arguments(std::string_view view, size_t minimum, size_t maximum) const {
  if (arguments.size() < minimum) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("inspect {}: an argument is missing", view))
                               .hint("see 'lifeboat inspect --help'"));
  }
  if (arguments.size() > maximum)
    return fail(ErrorCode::usage, "inspect {}: unexpected argument '{}'", view, arguments[maximum]);
  return {};
}

void View::print(nlohmann::ordered_json document) const {
  if (document.is_object() && !document.contains("whole"))
    document["whole"] = session.live() ? nlohmann::ordered_json() : nlohmann::ordered_json(missing.empty());
  print_json(document);
}

void View::warn_of_debug_info() const {
  if (session.debug_info() == nullptr) return;
  for (const auto& note : session.debug_info()->notes()) log::warning("{}", one_line(note));
}

std::optional<uint64_t> parse_plain_address(const std::string& text) {
  if (text.starts_with("0x") || text.starts_with("0X") || text.size() == 16) return parse_number(text, 16);
  return parse_number(text);
}

Result<uint64_t> parse_address(const inspect::Session& session, const std::string& text) {
  if (const auto number = parse_plain_address(text)) return *number;
  if (!session.symbols()) return std::unexpected(session.symbols().error());
  if (const auto found = inspect::symbols_named(session, text); !found.empty()) return found.front().address;
  return std::unexpected(
      Error(ErrorCode::not_found, fmt::format("'{}' is neither a number nor a symbol", text))
          .hint("write an address in hexadecimal digits with 0x before them"));
}

Result<int> run_inspect(const Arguments& arguments) {
  CommandLine line("inspect", "DUMP [VIEW [ARGUMENT...]]",
                   "Show what a dump contains; no debug information is needed. The views:\n"
                   "  report          what happened, on one screen (default)\n"
                   "  log             the kernel's log, as dmesg prints it\n"
                   "  bt [PID...]     stacks: of the CPU that panicked, of tasks, of all (-a)\n"
                   "  ps              tasks\n"
                   "  mod             modules\n"
                   "  sys             the dump, the machine and its kernel\n"
                   "  mem             memory: counters, zones, slab caches, pages by use\n"
                   "  sym NAME|ADDRESS   the address of a symbol, the symbol at an address\n"
                   "  type NAME       a type's declaration: 'struct task_struct', pid_t\n"
                   "  read ADDRESS|EXPRESSION   memory, as a type, as a string, as bytes\n"
                   "  search VALUE    the addresses of a value, or of a text, in memory");
  add_options(line);
  line.positional("DUMP");
  line.positional("VIEW");
  line.positional("ARGUMENT", -1);
  if (!TRY(line.parse(arguments))) return kDone;
  const std::string path = TRY(line.require("DUMP"));
  const std::string name = line.get("VIEW", "report");
  const auto entry = std::ranges::find(kViews, name, &Entry::name);
  if (entry == kViews.end()) {
    std::array<std::string_view, kViews.size()> names;
    std::ranges::transform(kViews, names.begin(), &Entry::name);
    return std::unexpected(Error(ErrorCode::usage, fmt::format("inspect: there is no view '{}'", name))
                               .hint(suggest_name(name, names)));
  }
  TRY_VOID(line.check_owners(option_owners(), name));
  auto opened = inspect::Session::open(path);
  if (!opened) {
    if (auto missing = why_no_dump(path)) return std::unexpected(*std::move(missing));
  }
  auto session = TRY(std::move(opened));
  if (std::ranges::find(kDebugInfoViews, name) != kDebugInfoViews.end()) open_debug_info(line, session);
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const View view{line,
                  path,
                  session,
                  line.list("ARGUMENT"),
                  inspect::find_missing(session),
                  inspect::Style(wants_colour(terminal)),
                  terminal};
  // The output of the other views may be read by programs: this goes to the standard error.
  if (!session.live() && std::ranges::find(kOverviews, name) == kOverviews.end()) {
    for (const auto& reason : view.missing) log::warning("{} is not whole: {}", path, one_line(reason));
  }
  return entry->run(view);
}

}  // namespace lifeboat::cli
