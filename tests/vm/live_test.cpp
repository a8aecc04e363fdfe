// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat inspect /proc/kcore` on a kernel that runs, compared with that kernel's /proc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/programs.h"
#include "tests/vm/support/kernel_guest.h"

namespace lifeboat::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// keep NAME COMMAND...: its output, its complaints and its exit status go to /disk/out. Facts are recorded
// before and after: what is in both was there all the time.
constexpr const char* kScript = R"(
mkdir -p /disk/out
cd /disk/out
keep() {
  keep_name=$1
  shift
  "$@" >$keep_name 2>$keep_name.err
  echo $? >$keep_name.status
}
inspect() { lifeboat inspect /proc/kcore "$@"; }
tasks() { cat /proc/[0-9]*/stat 2>/dev/null; }
# A stack of a task that has only just made its child is another one a moment later. wchan names a function only
# while the task is off the run queue; the second is for the switch away from it. Of PID 1 it is true only while
# that waits for its child: call it in a subshell, with what looks at the stack.
asleep() {
  while :; do
    read -r asleep_in </proc/$1/wchan
    case $asleep_in in 0|'') sleep 0.1 ;; *) break ;; esac
  done
  sleep 1
}

sleep 100000 &
sleeper=$!
echo $sleeper >sleeper
(while :; do /bin/busybox true; done) & # lists that change underfoot
churn=$!
sleep 1
(asleep $sleeper; cat /proc/$sleeper/stack) >stack.sleeper
(asleep 1; cat /proc/1/stack) >stack.1
cat /proc/modules >modules
cat /proc/kallsyms >kallsyms
cat /proc/meminfo >meminfo
dmesg >dmesg
tasks >tasks.before
for round in 1 2 3; do
  keep ps.$round inspect ps --json
  keep all.$round timeout 600 lifeboat inspect /proc/kcore bt -a --json
done
tasks >tasks.after
kill $churn
mark churned
for view in report log mod sys mem; do
  keep $view.json inspect $view --json
  keep $view.text inspect $view
done
keep log.time inspect log -T
read -r up idle </proc/uptime
echo $(($(date +%s) - ${up%.*})) >booted
(asleep 1; keep bt.1 inspect bt 1 --json)
keep bt.sleeper inspect bt $sleeper --json
keep bt.self sh -c 'exec lifeboat inspect /proc/kcore bt $$'
keep bt.none inspect bt
keep bt.cpu inspect bt --cpu 0
keep sym inspect sym init_task --json
keep type inspect type struct list_head
keep read inspect read init_uts_ns.name.release --json
keep expression inspect read init_task.comm
keep hole inspect read 0xffff800000000000
keep search timeout 600 lifeboat inspect /proc/kcore search --string a-text-that-only-this-test-has --json
keep verify lifeboat verify /proc/kcore
keep capture lifeboat capture /proc/kcore /disk/out/vmcore
mark looked
mount -t securityfs none /sys/kernel/security
echo confidentiality >/sys/kernel/security/lockdown
cat /sys/kernel/security/lockdown >lockdown
keep locked inspect ps
cd /
)";

std::map<int, std::pair<std::string, int>> tasks_of(const std::string& text) {
  std::map<int, std::pair<std::string, int>> tasks;  // pid: comm, ppid
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto open = line.find('('), close = line.rfind(')');
    if (open == std::string::npos || close == std::string::npos) continue;
    tasks[std::stoi(line)] = {line.substr(open + 1, close - open - 1), std::stoi(line.substr(close + 4))};
  }
  return tasks;
}

class Live : public ::testing::TestWithParam<const char*> {
 protected:
  struct Looked {
    std::unique_ptr<Guest> guest;  // has the files
    std::filesystem::path folder;
  };
  // One guest serves all tests of a kernel.
  void SetUp() override {
    Looked& looked = looked_[GetParam()];
    fetched_ = looked.folder;
    if (!fetched_.empty()) return;
    GuestFiles files;
    auto guest = std::make_unique<Guest>(
        GuestOptions{
            .name = fmt::format("live-{}", GetParam()), .kernel = GetParam(), .script = kScript, .cpus = 2},
        files);
    guest->wait_for("churned", std::chrono::seconds(1200));
    guest->wait_for("looked", std::chrono::seconds(1200));
    guest->wait_for("end");
    guest->wait_for_end();
    fetched_ = looked.folder = guest->fetch("/out");
    looked.guest = std::move(guest);
  }
  static void TearDownTestSuite() { looked_.clear(); }

  [[nodiscard]] static std::string out(const std::string& name) { return text_of(fetched_ / name); }
  [[nodiscard]] static std::string good(const std::string& name) {
    EXPECT_EQ(out(name + ".status"), "0\n") << name << ": " << out(name + ".err");
    return out(name);
  }
  [[nodiscard]] static json parsed(const std::string& name) { return json::parse(good(name)); }
  // The functions in order, without offsets.
  [[nodiscard]] static std::vector<std::string> functions_of_proc(const std::string& name) {
    std::vector<std::string> functions;
    std::istringstream lines(out(name));
    for (std::string line; std::getline(lines, line);)
      functions.push_back(line.substr(line.find(' ') + 1, line.find('+') - line.find(' ') - 1));
    return functions;
  }
  static void expect_stack(const std::string& proc, const std::string& bt) {
    const auto wanted = functions_of_proc(proc);
    const json stack = parsed(bt)[0];
    ASSERT_FALSE(wanted.empty());
    ASSERT_GE(stack["frames"].size(), wanted.size());
    // The kernel leaves out the scheduler's own.
    const size_t skipped = stack["frames"].size() - wanted.size();
    for (size_t at = 0; at < wanted.size(); ++at)
      EXPECT_EQ(stack["frames"][skipped + at]["symbol"], wanted[at]) << stack.dump(1);
    EXPECT_FALSE(stack.contains("end")) << stack.dump(1);
  }

  static std::filesystem::path fetched_;
  static std::map<std::string, Looked> looked_;
};
std::filesystem::path Live::fetched_;
std::map<std::string, Live::Looked> Live::looked_;

TEST_P(Live, tasks_are_those_of_proc) {
  const auto before = tasks_of(out("tasks.before")), after = tasks_of(out("tasks.after"));
  for (const char* name : {"ps.1", "ps.2", "ps.3"}) {
    std::map<int, json> shown;
    for (const auto& task : parsed(name)) shown[task["pid"]] = task;
    size_t compared = 0;
    for (const auto& [pid, fact] : before) {
      const auto there = after.find(pid);
      if (there == after.end() || there->second.first != fact.first) continue;
      // Kernel threads of the work queues rename themselves.
      if (fact.first.starts_with("kworker")) continue;
      ASSERT_TRUE(shown.contains(pid)) << name << " lacks " << pid << " " << fact.first;
      EXPECT_EQ(shown[pid]["comm"], fact.first.substr(0, 15));
      EXPECT_EQ(shown[pid]["ppid"], fact.second);
      ++compared;
    }
    EXPECT_GT(compared, 20u);
  }
}

TEST_P(Live, stacks_of_all_tasks_end_in_time) {
  for (const char* name : {"all.1", "all.2", "all.3"}) EXPECT_GT(parsed(name).size(), 30u);
}

TEST_P(Live, stacks_of_sleeping_tasks_are_those_of_proc) {
  expect_stack("stack.1", "bt.1");
  expect_stack("stack.sleeper", "bt.sleeper");
}

TEST_P(Live, a_running_task_is_shown_as_running) {
  EXPECT_THAT(good("bt.self"), HasSubstr("it runs now"));
  EXPECT_EQ(out("bt.none.status"), "1\n");
  EXPECT_THAT(out("bt.none.err"), HasSubstr("this kernel is running"));
  EXPECT_THAT(out("bt.none.err"), HasSubstr("bt PID"));
  EXPECT_EQ(out("bt.cpu.status"), "1\n");
  EXPECT_THAT(out("bt.cpu.err"), HasSubstr("CPU 0 is running"));
}

TEST_P(Live, modules_are_those_of_proc) {
  std::map<std::string, std::pair<std::string, uint64_t>> facts;
  std::istringstream lines(out("modules"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, uses, users, state, base;
    uint64_t size = 0;
    words >> name >> size >> uses >> users >> state >> base;
    facts[name] = {base, size};
  }
  ASSERT_FALSE(facts.empty());
  const json modules = parsed("mod.json");
  EXPECT_EQ(modules.size(), facts.size());
  for (const auto& module : modules) {
    const auto& fact = facts[module["name"]];
    EXPECT_EQ(module["base"], fact.first);
    EXPECT_EQ(module["size"], fact.second);
  }
}

TEST_P(Live, log_is_that_of_dmesg) {
  const std::string log = good("log.text"), dmesg = out("dmesg");
  ASSERT_THAT(dmesg, HasSubstr("Linux version"));
  std::istringstream lines(dmesg);
  // dmesg puts the time before every line of a record.
  for (std::string line; std::getline(lines, line);)
    EXPECT_TRUE(log.find(line.substr(line.find(']') + 2)) != std::string::npos) << line;
  // The time of day of a record is that of the guest's clock: the first is of the boot.
  const std::string first = good("log.time");
  tm parts{};
  ASSERT_NE(::strptime(first.c_str(), "[%Y-%m-%d %H:%M:%S UTC]", &parts), nullptr) << first.substr(0, 24);
  EXPECT_NEAR(static_cast<double>(::timegm(&parts)), std::stod(out("booted")), 60);
}

TEST_P(Live, the_machine_is_described) {
  const json sys = parsed("sys.json");
  EXPECT_EQ(sys["live"], true);
  EXPECT_EQ(sys["format"], "live");
  EXPECT_EQ(sys["whole"], nullptr);
  EXPECT_EQ(sys["crash"], nullptr);
  EXPECT_EQ(sys["crash_time"], nullptr);
  EXPECT_EQ(sys["cpus"], 2);
  EXPECT_GT(sys["uptime_seconds"].get<double>(), 1);
  EXPECT_EQ(sys["utsname"]["release"], kernel_release(GetParam()));
  EXPECT_THAT(good("sys.text"), HasSubstr("running"));
  EXPECT_THAT(good("sys.text"), Not(HasSubstr("panic")));

  const std::string meminfo = out("meminfo");
  const auto total = std::stoull(meminfo.substr(meminfo.find(':') + 1)) * 1024;
  EXPECT_EQ(parsed("mem.json")["counters"]["total"], total);
  EXPECT_THAT(good("mem.text"), HasSubstr("Slab caches"));
}

TEST_P(Live, the_report_shows_no_crash) {
  const json report = parsed("report.json");
  EXPECT_EQ(report["live"], true);
  for (const char* key : {"kind", "crash", "crash_time", "cpu", "pid", "stack", "signature"})
    EXPECT_EQ(report[key], nullptr) << key;
  EXPECT_EQ(report["cpus"], 2);
  EXPECT_GT(report["tasks"], 30);
  EXPECT_NE(report["memory"], nullptr);
  EXPECT_FALSE(report["log"].empty());
  const std::string text = good("report.text");
  EXPECT_THAT(text, HasSubstr("running"));
  EXPECT_THAT(text, HasSubstr("Last lines of the log"));
  for (const char* word : {"crashed", "panic", "kind ", "signature", "Stack of", "Other CPUs"})
    EXPECT_THAT(text, Not(HasSubstr(word)));
}

TEST_P(Live, symbols_types_and_values) {
  const std::string address = parsed("sym")[0]["address"];
  const std::string kallsyms = out("kallsyms");
  const auto line = kallsyms.find(" init_task\n");
  ASSERT_NE(line, std::string::npos);
  EXPECT_EQ(address, "0x" + kallsyms.substr(line - 18, 16));
  EXPECT_THAT(good("type"), HasSubstr("struct list_head *next;"));
  EXPECT_THAT(parsed("read")["value"].get<std::string>(), HasSubstr(kernel_release(GetParam())));
  EXPECT_THAT(good("expression"), HasSubstr("swapper/0"));
  EXPECT_EQ(out("hole.status"), "1\n");
  EXPECT_THAT(out("hole.err"), HasSubstr("not mapped"));
}

TEST_P(Live, a_search_finds_what_there_is_and_ends) {
  const json search = parsed("search");
  EXPECT_GE(search["finds"].size(), 1u);  // the command line of the search itself
  EXPECT_EQ(search["timed_out"], false);
  EXPECT_GT(search["pages"], 100000);
}

TEST_P(Live, is_no_dump) {
  for (const char* name : {"verify", "capture"}) {
    EXPECT_EQ(out(std::string(name) + ".status"), "1\n");
    EXPECT_THAT(out(std::string(name) + ".err"), HasSubstr("the memory of the running kernel"));
  }
  EXPECT_FALSE(std::filesystem::exists(fetched_ / "vmcore"));
}

TEST_P(Live, lockdown_is_reported) {
  ASSERT_THAT(out("lockdown"), HasSubstr("[confidentiality]"));
  EXPECT_EQ(out("locked.status"), "1\n");
  EXPECT_THAT(out("locked.err"), HasSubstr("locked down"));
  EXPECT_THAT(out("locked.err"), HasSubstr("boot without lockdown=confidentiality"));
}

// Other kernels by hand: LIFEBOAT_LIVE_KERNELS=6.1,7.3 kexec_test --gtest_filter='*Live*'
std::vector<const char*> kernels() {
  static std::vector<std::string> names = {"6.12"};
  if (const char* wanted = std::getenv("LIFEBOAT_LIVE_KERNELS")) {
    names.clear();
    std::istringstream list(wanted);
    for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  }
  std::vector<const char*> all;
  for (const auto& name : names) all.push_back(name.c_str());
  return all;
}
INSTANTIATE_TEST_SUITE_P(Kernels, Live, ::testing::ValuesIn(kernels()), [](const auto& kernel) {
  std::string name = kernel.param;
  std::ranges::replace(name, '.', '_');
  return "k" + name;
});

}  // namespace
}  // namespace lifeboat::test
