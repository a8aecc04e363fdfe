// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat inspect with no debug information beside drgn and crash with the kernel's, turn by turn on the
// same dump: what happened, and the stacks of all tasks. The files are in the page cache for all of them.
#include <fmt/core.h>

#include "src/base/file.h"
#include "tests/bench/bench.h"
#include "tests/bench/filled_guest.h"
#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

constexpr int kRounds = 5;
constexpr double kMaxReportSeconds = 0.1, kMaxReportMb = 40, kMaxStacksSeconds = 0.2;

struct Contender {
  const char* name;
  std::vector<std::string> argv;
  std::vector<Cost> costs;
};

// The first run fills the page cache, and shows that the question was answered.
void check_answer(const Contender& contender) {
  const auto result = run_process(contender.argv, std::chrono::minutes(5));
  if (result && result->status == 0 && result->text.contains("sysrq_handle_crash")) return;
  fmt::print(stderr, "{} does not show the crashed task's stack: {}\n", contender.name,
             result ? result->text : result.error().to_string());
  std::exit(1);
}

bool judge(const char* what, double value, double most, const char* unit) {
  const bool met = value <= most;
  fmt::print("{}: {:.3g} {}, at most {:.3g} {} wanted: {}\n", what, value, unit, most, unit,
             met ? "met" : "NOT MET");
  return met;
}

int measure(const std::string& dump, const std::string& commands) {
  const std::string vmlinux = cache() / "kernels/6.12/vmlinux";
  const std::string drgn_code =
      "from drgn.helpers.linux.pid import for_each_task\n"
      "print(prog.crashed_thread().stack_trace())\n"
      "print(sum(1 for _ in for_each_task(prog)))\n";
  Contender contenders[] = {
      {"lifeboat report", {lifeboat_program(), "inspect", dump, "report"}, {}},
      {"lifeboat bt -a", {lifeboat_program(), "inspect", dump, "bt", "-a"}, {}},
      {"drgn: stack, count of tasks",
       {cache() / "peers/drgn", "-q", "--main-symbols", "-c", dump, "-s", vmlinux, "-e", drgn_code},
       {}},
      {"crash: bt, ps", {cache() / "peers/crash", "-s", "-i", commands, vmlinux, dump}, {}},
  };
  for (const auto& contender : contenders) check_answer(contender);
  for (int round = 0; round < kRounds; ++round) {
    for (auto& contender : contenders) contender.costs.push_back(cost_of(contender.argv));
  }

  const Cost report = median_of(contenders[0].costs), stacks = median_of(contenders[1].costs);
  fmt::print("inspect of {}, medians of {} rounds; ratios to lifeboat's report\n\n", dump, kRounds);
  fmt::print("{:<28} {:>10} {:>7} {:>10} {:>7} {:>11} {:>7}\n", "", "wall", "ratio", "cpu", "ratio", "peak",
             "ratio");
  for (const auto& contender : contenders) {
    const Cost cost = median_of(contender.costs);
    fmt::print("{:<28} {:>8.3f} s {:>7.1f} {:>8.3f} s {:>7.1f} {:>8.1f} MB {:>7.1f}\n", contender.name,
               cost.wall, cost.wall / report.wall, cost.cpu, cost.cpu / report.cpu, cost.peak_mb,
               cost.peak_mb / report.peak_mb);
  }
  fmt::print("\n");
  bool met = judge("report", report.wall, kMaxReportSeconds, "s");
  met = judge("report, peak memory", report.peak_mb, kMaxReportMb, "MB") && met;
  met = judge("bt -a", stacks.wall, kMaxStacksSeconds, "s") && met;
  return met ? 0 : 1;
}

}  // namespace
}  // namespace lifeboat::test

int main() {
  using namespace lifeboat;
  auto folder = TempDir::create("lifeboat-bench");
  if (!folder) return 1;
  const std::string commands = folder->path() / "commands";
  if (!write_file_atomically(commands, as_byte_span("bt\nps\nquit\n"), 0600)) return 1;
  try {
    return test::measure(test::bench_rehearsal() / "vmcore", commands);
  } catch (const std::exception& error) {
    fmt::print(stderr, "inspect_bench: {}\n", error.what());
    return 2;
  }
}
