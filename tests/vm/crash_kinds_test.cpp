// SPDX-License-Identifier: GPL-2.0-or-later
// Each kind of crash, done by a real kernel and saved by the real lifeboat-init: what the report makes of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/programs.h"
#include "tests/vm/support/kernel_guest.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// How a guest is made to crash, and what the report must have.
struct Way {
  const char* name;
  // The kernels on which every run crashes in this way; on the others --all does.
  std::vector<std::string> always_on;
  // Done when the capture kernel and the crash module are loaded. $crash is the module's parameter.
  const char* script;
  const char* kind;
  const char* stack_of;  // the beginning of the title
  // Next to each other, innermost first, on the stack that is shown.
  std::vector<std::string> functions;
  void (*expect)(const json& report) = nullptr;
  const char* monitor = nullptr;  // a command for QEMU, when the console has "crash_module: " and
  const char* mark = nullptr;     // this
};

void PrintTo(const Way& way, std::ostream* out) {
  *out << way.name;
}

// "function" or "function [module]" of each frame, without what compilers add to names (".cold").
std::vector<std::string> frames_of(const json& stack) {
  std::vector<std::string> names;
  for (const auto& frame : stack["frames"]) {
    std::string name = frame["symbol"].is_null() ? "?" : frame["symbol"].get<std::string>();
    name.resize(std::min(name.find('.', 1), name.size()));
    if (!frame["module"].is_null()) name += " [" + frame["module"].get<std::string>() + "]";
    names.push_back(name);
  }
  return names;
}

std::string of_module(const std::string& function) {
  return function + " [crash_module]";
}

void expect_null_pointer(const json& report, const char* address, const char* access, const char* meaning) {
  EXPECT_EQ(report["crash"]["fault_address"], address);
  EXPECT_EQ(report["crash"]["fault_access"], access);
  EXPECT_THAT(report["crash"]["fault_meaning"].get<std::string>(), HasSubstr(meaning));
}

constexpr const char* kMember = "NULL plus 24 (0x18): a member at that offset";
#define LIFEBOAT_OOPS "echo 1 >/proc/sys/kernel/panic_on_oops; "
// Short, so that nobody waits: no sooner than three seconds is allowed for RCU.
#define LIFEBOAT_STALL                                              \
  "echo 3 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout; " \
  "echo 1 >/proc/sys/kernel/panic_on_rcu_stall; "

std::vector<Way> ways() {
  const auto spinning = [](const char* caller) {
    return std::vector<std::string>{of_module("crash_spin"), of_module(caller), of_module("crash_set"),
                                    "param_attr_store"};
  };
  return {
      {.name = "read_null",
       .always_on = {"6.12"},
       .script = LIFEBOAT_OOPS "echo read_null >$crash",
       .kind = "null_dereference",
       .stack_of = "CPU ",
       .functions = {of_module("crash_read_member"), of_module("crash_read_null"), of_module("crash_set")},
       .expect =
           [](const json& report) {
             expect_null_pointer(report, "0x18", "read", kMember);
             EXPECT_THAT(report["crash"]["instruction"].get<std::string>(), StartsWith("crash_read_member+"));
           }},
      {.name = "write_null",
       .always_on = {"6.1"},
       .script = LIFEBOAT_OOPS "echo write_null >$crash",
       .kind = "null_dereference",
       .stack_of = "CPU ",
       .functions = {of_module("crash_write_null"), of_module("crash_set")},
       .expect = [](const json& report) { expect_null_pointer(report, "0x18", "write", kMember); }},
      {.name = "call_null",
       .always_on = {"6.12"},
       .script = LIFEBOAT_OOPS "echo call_null >$crash",
       .kind = "null_dereference",
       .stack_of = "CPU ",
       .functions = {"?", of_module("crash_call_null"), of_module("crash_set")},
       .expect = [](const json& report) { expect_null_pointer(report, "0x0", "execute", "NULL itself"); }},
      {.name = "bug",
       .always_on = {"6.12"},
       .script = LIFEBOAT_OOPS "echo bug >$crash",
       .kind = "bug",
       .stack_of = "CPU ",
       .functions = {of_module("crash_bug"), of_module("crash_set")},
       .expect =
           [](const json& report) {
             EXPECT_THAT(report["crash"]["cause"].get<std::string>(), HasSubstr("/crash_module.c:"));
           }},
      {.name = "overflow",
       .always_on = {},  // CrashSignature has it in every run
       .script = LIFEBOAT_OOPS "echo overflow >$crash",
       .kind = "stack_overflow",
       .stack_of = "CPU ",
       .functions = {of_module("crash_recurse"), of_module("crash_recurse"), of_module("crash_overflow"),
                     of_module("crash_set")},
       .expect =
           [](const json& report) {
             EXPECT_EQ(report["signature_functions"][0], "crash_recurse");
             EXPECT_EQ(report["signature_functions"][1], "crash_overflow");
           }},
      // There is no NMI watchdog without a performance counter, which the emulated processor lacks: the NMI
      // comes from outside, as from a management controller or the button of a machine that hangs.
      {.name = "hard_lockup",
       .always_on = {"6.12"},
       .script = "echo 1 >/proc/sys/kernel/unknown_nmi_panic\n"
                 // The other CPU reports when it hangs, without a new process, which might wait for the CPU
                 // that does.
                 "taskset 2 sh -c \"until read -r spins <$spinning && [ \\$spins = Y ]; do :; done; "
                 "echo '<0>crash_module: spins' >/dev/kmsg\" &\n"
                 "taskset 1 sh -c \"echo hard_lockup >$crash\"",
       .kind = "nmi",
       .stack_of = "CPU 0, which panicked",
       .functions = spinning("crash_hard_lockup"),
       .expect =
           [](const json& report) {
             EXPECT_EQ(report["interrupts_off"], true);
             EXPECT_EQ(report["signature_functions"][0], "crash_spin");
           },
       .monitor = "nmi",
       .mark = "spins"},
      {.name = "soft_lockup",
       .always_on = {"6.12"},
       .script = "cd /proc/sys/kernel; echo 2 >watchdog_thresh; echo 1 >softlockup_panic\n"
                 "taskset 2 sh -c \"echo soft_lockup >$crash\"",
       .kind = "soft_lockup",
       .stack_of = "CPU 1, which panicked",
       .functions = spinning("crash_soft_lockup"),
       .expect =
           [](const json& report) {
             EXPECT_EQ(report["crash"]["locked_cpu"], 1);
             EXPECT_EQ(report["signature_functions"][0], "crash_spin");
           }},
      {.name = "hung_task",
       .always_on = {"6.1", "6.12"},
       // Nobody looks for them before all of them hang.
       .script = "for n in 1 2 3; do (echo hang >$crash) & done\n"
                 "until [ $(grep -l '^State:.D' /proc/[0-9]*/status | wc -l) = 3 ]; do sleep 0.1; done\n"
                 "cd /proc/sys/kernel; echo 1 >hung_task_panic; echo 2 >hung_task_timeout_secs",
       .kind = "hung_task",
       .stack_of = "task ",
       .functions = {"schedule", of_module("crash_wait_inner"), of_module("crash_wait_middle"),
                     of_module("crash_hang"), of_module("crash_set")},
       .expect =
           [](const json& report) {
             ASSERT_EQ(report["blocked"].size(), 1u) << report["blocked"];
             EXPECT_EQ(report["blocked"][0]["pids"].size(), 3u);
             EXPECT_THAT(frames_of(report["blocked"][0]), Contains(of_module("crash_wait_middle")));
             EXPECT_EQ(report["task_states"]["D"], 3);
             EXPECT_EQ(report["comm"], "khungtaskd");  // who noticed
             EXPECT_EQ(report["stack"]["pid"], report["crash"]["blocked_pid"]);
             EXPECT_EQ(report["other_cpus"].size(), 2u);
           }},
      {.name = "rcu_stall",
       .always_on = {"6.1"},
       .script = LIFEBOAT_STALL "taskset 2 sh -c \"echo stall_rcu >$crash\"",
       .kind = "rcu_stall",
       .stack_of = "CPU 1",
       .functions = spinning("crash_stall_rcu"),
       .expect =
           [](const json& report) {
             EXPECT_EQ(report["crash"]["locked_cpu"], 1);
             EXPECT_EQ(report["interrupts_off"], false);
             EXPECT_EQ(report["signature_functions"][0], "crash_spin");
           }},
      // It cannot notice that itself: the other CPU does.
      {.name = "rcu_stall_elsewhere",
       .always_on = {"6.12"},
       .script = LIFEBOAT_STALL "taskset 2 sh -c \"echo hard_lockup >$crash\"",
       .kind = "rcu_stall",
       .stack_of = "CPU 1, which held RCU up",
       .functions = spinning("crash_hard_lockup"),
       .expect =
           [](const json& report) {
             EXPECT_EQ(report["cpu"], 0);
             EXPECT_EQ(report["crash"]["locked_cpu"], 1);
             EXPECT_EQ(report["interrupts_off"], true);
             EXPECT_EQ(report["signature_functions"][0], "crash_spin");
           }},
      {.name = "out_of_memory",
       .always_on = {"6.12"},
       .script = "cd /proc/sys/vm; echo 1 >panic_on_oom; echo 1 >overcommit_memory\n"
                 "awk 'BEGIN { x = \"lifeboat\"; for (;;) x = x x }'",
       .kind = "out_of_memory",
       .stack_of = "CPU ",
       .functions = {"out_of_memory"},
       .expect =
           [](const json& report) {
             EXPECT_EQ(report["largest_processes"][0]["comm"], "awk");
             EXPECT_GT(report["memory"]["anonymous"], report["memory"]["total"].get<uint64_t>() / 2);
             EXPECT_THAT(report["crash"]["cause"].get<std::string>(), HasSubstr("invoked oom-killer"));
           }},
      {.name = "machine_check",
       .always_on = {"6.12"},
       .script = "echo '<0>crash_module: machine_check' >/dev/kmsg",
       .kind = "machine_check",
       .stack_of = "CPU 0, which panicked",
       .functions = {"mce_panic", "do_machine_check"},
       .expect =
           [](const json& report) {
             EXPECT_THAT(report["crash"]["cause"].get<std::string>(), HasSubstr("Bank 4: be00000000000134"));
           },
       // CPU, bank, its status (valid, uncorrected, enabled, address, context corrupt), the machine's status,
       // address, miscellaneous.
       .monitor = "mce 0 4 0xbe00000000000134 0x5 0x12345000 0x0",
       .mark = "machine_check"},
  };
}

// A guest that crashes, and what its capture kernel saved, in build/rehearsals/crashes/NAME.
fs::path play(const Way& way, const std::string& version, const std::string& name,
              const std::string& crashkernel = "128M") {
  GuestFiles files;
  files.add(kernel_path(version), "boot/vmlinuz");
  files.add(crash_module(version), "crash_module.ko");
  files.write("boot/capture.img", capture_initramfs(version));
  Guest guest({.name = "crash-" + name,
               .kernel = version,
               .command_line = "crashkernel=" + crashkernel,
               .script = fmt::format("crash=/sys/module/crash_module/parameters/crash\n"
                                     "spinning=/sys/module/crash_module/parameters/spinning\n"
                                     "run load lifeboat load /disk/boot/vmlinuz --crash --initrd "
                                     "/disk/boot/capture.img\n"
                                     "run module insmod /disk/crash_module.ko\n"
                                     "sync\nmark crashing\ndrain\n{}\nsleep 600\n",
                                     way.script),
               .cpus = 2},
              files);
  for (const char* step : {"load", "module"}) {
    const Mark done = guest.wait_for(step);
    if (done.text != "0") throw std::runtime_error(fmt::format("{} failed: {}", step, done.output));
  }
  guest.wait_for("crashing");
  if (way.monitor != nullptr) {
    guest.wait_for_line(std::string("crash_module: ") + way.mark);
    guest.command_machine(way.monitor);
  }
  guest.wait_for_line("lifeboat: phase capture-end", std::chrono::seconds(900));
  guest.wait_for_end();
  fs::path kept = rehearsals() / "crashes" / name;
  fs::remove_all(kept);
  fs::create_directories(kept);
  for (const auto& folder : fs::directory_iterator(guest.fetch("/dump")))
    fs::copy(folder, kept, fs::copy_options::recursive);
  return kept;
}

std::string lines_without(const std::string& text, const std::string& beginning) {
  std::string kept;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with(beginning)) kept += line + '\n';
  return kept;
}

// The report that lifeboat-init wrote is that of the dump, but for the container.
void expect_same_report(const fs::path& folder, json report) {
  auto at_capture = json::parse(text_of(folder / "report.json"));
  for (auto* document : {&report, &at_capture}) document->erase("dump");
  EXPECT_EQ(json::diff(at_capture, report), json::array());
  EXPECT_EQ(lines_without(text_of(folder / "report.txt"), "dump "),
            lines_without(run_lifeboat({"inspect", folder / "vmcore"}).text, "dump "));
}

// "lifeboat: report: bug, in 0.31 s, 21.5 MiB of memory"
double report_mebibytes(const std::string& log) {
  const auto at = log.find("lifeboat: report: ");
  if (at == std::string::npos) return 1e9;
  const auto comma = log.find(" s, ", at);
  return comma == std::string::npos ? 1e9 : std::stod(log.substr(comma + 4));
}

json expect_report(const fs::path& folder) {
  const std::string dump = folder / "vmcore";
  const auto verify = run_lifeboat({"verify", dump});
  EXPECT_EQ(verify.status, 0) << verify.text;
  const auto output = run_lifeboat({"inspect", dump, "report", "--json"});
  EXPECT_EQ(output.status, 0) << output.text;
  const auto report = json::parse(output.text);
  expect_same_report(folder, report);
  const std::string log = text_of(folder / "capture.log");
  EXPECT_THAT(log, Not(ContainsRegex("(warning|error):")));
  EXPECT_LE(report_mebibytes(log), 40) << log;
  EXPECT_EQ(report["taint"]["flags"][0]["letter"], "O");
  EXPECT_EQ(report["tainting_modules"][0]["name"], "crash_module");
  return report;
}

void expect_way(const Way& way, const json& report) {
  EXPECT_EQ(report["kind"], way.kind);
  EXPECT_THAT(report["stack_of"].get<std::string>(), StartsWith(way.stack_of));
  const auto frames = frames_of(report["stack"]);
  EXPECT_FALSE(std::ranges::search(frames, way.functions).empty()) << ::testing::PrintToString(frames);
  EXPECT_FALSE(report["other_cpus"].empty());
  if (way.expect != nullptr) way.expect(report);
}

class CrashKinds : public ::testing::TestWithParam<std::tuple<std::string, Way>> {};

TEST_P(CrashKinds, are_named_by_the_report) {
  const auto& [version, way] = GetParam();
  expect_way(way, expect_report(play(way, version, fmt::format("{}-{}", way.name, version))));
}

std::string crash_name(const ::testing::TestParamInfo<CrashKinds::ParamType>& info) {
  std::string name = std::string(std::get<1>(info.param).name) + "_on_" + std::get<0>(info.param);
  std::ranges::replace(name, '.', '_');
  return name;
}

std::vector<CrashKinds::ParamType> cases(bool always) {
  std::vector<CrashKinds::ParamType> chosen;
  for (const std::string version : {"6.1", "6.12"}) {
    for (const Way& way : ways()) {
      if ((std::ranges::find(way.always_on, version) != way.always_on.end()) == always)
        chosen.emplace_back(version, way);
    }
  }
  return chosen;
}

INSTANTIATE_TEST_SUITE_P(Each, CrashKinds, ::testing::ValuesIn(cases(true)), crash_name);
INSTANTIATE_TEST_SUITE_P(LongEach, CrashKinds, ::testing::ValuesIn(cases(false)), crash_name);

Way way_called(std::string_view name) {
  for (auto& way : ways())
    if (way.name == name) return way;
  throw std::runtime_error("no such way to crash");
}

TEST(CrashSignature, is_the_same_for_the_same_crash) {
  const Way way = way_called("overflow");
  const auto first = expect_report(play(way, "6.12", "signature-first"));
  expect_way(way, first);
  const auto second = expect_report(play(way, "6.12", "signature-second"));
  EXPECT_EQ(first["signature"], second["signature"]);
  EXPECT_EQ(first["signature_functions"], second["signature_functions"]);
}

// The dump goes before the report.
TEST(CrashReport, is_left_out_when_memory_is_short) {
  const auto folder = play(way_called("bug"), "6.12", "short-of-memory", "88M");
  EXPECT_EQ(run_lifeboat({"verify", folder / "vmcore"}).status, 0);
  EXPECT_FALSE(fs::exists(folder / "report.txt"));
  EXPECT_THAT(text_of(folder / "capture.log"), HasSubstr("no report: "));
}

}  // namespace
}  // namespace lifeboat::test
