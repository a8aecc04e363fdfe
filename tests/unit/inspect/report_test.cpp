// SPDX-License-Identifier: GPL-2.0-or-later
// The whole report, of a kernel that is whole, and of one that lacks one thing after the other: the rest
// stands.
#include "src/inspect/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "src/inspect/report_text.h"
#include "tests/support/fake_system.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::inspect {
namespace {

using test::FakeSystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Outputs {
  std::string text;
  nlohmann::json json;
};

Outputs report_of(FakeSystem& system) {
  const auto session = system.session();
  const Report report = make_report(session);
  return {report_text(report, "vmcore", Style(false)), report_json(report, "vmcore")};
}

void lose(FakeSystem& system, uint64_t begin, uint64_t end) {
  for (uint64_t page = align_down(begin, kPageSize); page < end; page += kPageSize)
    system.fake.memory().fail_page(test::FakeKernel::to_physical(page), ErrorCode::excluded);
}

std::vector<std::string> functions(const nlohmann::json& stack) {
  std::vector<std::string> names;
  for (const auto& frame : stack["frames"])
    names.push_back(frame["symbol"].is_null() ? "?" : frame["symbol"].get<std::string>());
  return names;
}

TEST(Report, OfAWholeKernel) {
  FakeSystem system;
  const Outputs report = report_of(system);
  const auto& json = report.json;
  EXPECT_THAT(json["unknown"], IsEmpty()) << json["unknown"].dump();
  EXPECT_EQ(json["live"], false);
  EXPECT_EQ(json["kind"], "sysrq");
  EXPECT_EQ(json["cpu"], 0);
  EXPECT_EQ(json["pid"], 7);
  EXPECT_EQ(json["comm"], "server");
  EXPECT_THAT(functions(json["stack"]), ElementsAre("panic", "sysrq_handle_crash", "thread_begin"))
      << json["stack"];
  EXPECT_EQ(json["tasks"], 6);
  EXPECT_EQ(json["task_states"]["D"], 2);
  ASSERT_EQ(json["blocked"].size(), 1u);  // both wait in the same place
  EXPECT_EQ(json["blocked"][0]["pids"], nlohmann::json({5, 6}));
  EXPECT_EQ(functions(json["blocked"][0])[1], "do_wait");
  EXPECT_EQ(json["memory"]["free"], 5000 * kPageSize);
  EXPECT_EQ(json["largest_processes"][0]["pid"], 7);
  ASSERT_EQ(json["tainting_modules"].size(), 1u);
  EXPECT_EQ(json["tainting_modules"][0]["name"], "second");
  EXPECT_EQ(json["log"].back()["text"], "Kernel panic - not syncing: sysrq triggered crash");
  EXPECT_THAT(report.text, HasSubstr("2 tasks in D state: reader (5) writer (6)"));
  EXPECT_THAT(report.text, Not(HasSubstr("not available")));
}

TEST(Report, WithoutTypesTheLogAndTheKindStand) {
  FakeSystem system;
  lose(system, system.btf, system.btf_end);
  const Outputs report = report_of(system);
  EXPECT_EQ(report.json["kind"], "sysrq");
  EXPECT_FALSE(report.json["log"].empty());
  for (const char* key : {"tasks", "memory", "stack", "tainting_modules"}) {
    EXPECT_EQ(report.json[key], nullptr) << key;
    EXPECT_THAT(report.json["unknown"][key].get<std::string>(), HasSubstr("types")) << key;
  }
  EXPECT_THAT(report.text, HasSubstr("not available: cannot read the kernel's types"));
}

TEST(Report, WithoutNamesTheLogStands) {
  FakeSystem system;
  lose(system, system.kallsyms.count, system.kallsyms.count + 1);
  lose(system, system.kallsyms.token_table, system.kallsyms.token_index + 512);
  const Outputs report = report_of(system);
  EXPECT_EQ(report.json["kind"], "sysrq");
  EXPECT_FALSE(report.json["log"].empty());
  // An empty list would mean that there are none.
  for (const char* key : {"tasks", "task_states", "blocked"}) EXPECT_EQ(report.json[key], nullptr) << key;
  EXPECT_THAT(report.text, HasSubstr("not available"));
}

TEST(Report, WithoutVariablesAmongTheNames) {
  // CONFIG_KALLSYMS_ALL is off: functions only.
  FakeSystem system;
  std::erase_if(system.symbols, [](const auto& symbol) {
    return symbol.second < test::kFakeCode || symbol.second >= test::kFakeCode + kPageSize;
  });
  system.write_symbols();
  const Outputs report = report_of(system);
  EXPECT_EQ(report.json["kind"], "sysrq");
  EXPECT_EQ(report.json["tasks"], nullptr);
  EXPECT_THAT(report.json["unknown"]["tasks"].get<std::string>(), HasSubstr("init_task"));
}

TEST(Report, WithoutLogTheStackGivesTheKind) {
  FakeSystem system;
  system.fake.memory().fail_page(test::FakeKernel::to_physical(system.fake.log().ring), ErrorCode::lost);
  const Outputs report = report_of(system);
  EXPECT_EQ(report.json["crash"], nullptr);
  EXPECT_EQ(report.json["log"], nullptr);
  EXPECT_TRUE(report.json["unknown"].contains("log"));
  EXPECT_EQ(report.json["kind"], "sysrq");
  EXPECT_THAT(report.json["reason"].get<std::string>(), HasSubstr("is on the stack"));
  EXPECT_EQ(report.json["tasks"], 6);
}

TEST(Report, ACpuWhoseTaskIsNotKnown) {
  Report report;
  report.other_cpus.push_back({.cpu = 3});
  report.task_count = 1;
  report.states['R'] = 1;
  const std::string text = report_text(report, "vmcore", Style(false));
  EXPECT_THAT(text, HasSubstr("CPU 3       ? "));
  EXPECT_THAT(text, Not(HasSubstr("-1")));
  EXPECT_THAT(text, HasSubstr("1 thread:"));
}

TEST(Report, WithoutUnwindTablesFramesAreMarked) {
  FakeSystem system;
  lose(system, system.orc.ips, system.orc.ips + 1);
  lose(system, system.orc.entries, system.orc.entries + 1);
  const Outputs report = report_of(system);
  EXPECT_THAT(functions(report.json["stack"]), Contains("sysrq_handle_crash"));
  EXPECT_THAT(report.text, HasSubstr("? "));
}

TEST(Report, WithoutPageTablesAllReasonsAreShown) {
  FakeSystem system;
  system.fake.memory().fail_page(system.fake.entry_address(0xffffffff80000000, 3), ErrorCode::excluded);
  const Outputs report = report_of(system);
  EXPECT_EQ(report.json["tasks"], nullptr);
  EXPECT_EQ(report.json["memory"], nullptr);
  EXPECT_THAT(report.text, HasSubstr("not available"));
}

TEST(Report, WithoutVmcoreinfo) {
  FakeSystem system;
  for (const char* key : {"OSRELEASE", "SYMBOL(swapper_pg_dir)"}) {
    FakeSystem lacking;
    lacking.fake.remove_key(key);
    if (key == std::string("SYMBOL(swapper_pg_dir)")) lacking.fake.remove_key("SYMBOL(init_top_pgt)");
    EXPECT_THAT(report_of(lacking).text, HasSubstr("not available")) << key;
  }
}

// One word of one structure at a time is set to something wrong: the report ends, and shows what it can.
TEST(Report, EveryWordOfTheTaskThatPanickedMayBeWrong) {
  for (uint64_t offset = 0; offset < test::fake_task::kSize; offset += 8) {
    for (const uint64_t wrong : {uint64_t{0}, ~uint64_t{0}, uint64_t{0xdead000000000100}}) {
      FakeSystem system;
      system.fake.write64(system.tasks[7] + offset, wrong);
      const Outputs report = report_of(system);
      EXPECT_EQ(report.json["kind"], "sysrq") << offset;
      EXPECT_GE(report.json["tasks"], 5) << offset;
    }
  }
}

TEST(Report, EveryWordOfAModuleMayBeWrong) {
  for (uint64_t offset = 0; offset < test::fake_module::kSize; offset += 8) {
    for (const uint64_t wrong : {uint64_t{0}, ~uint64_t{0}, uint64_t{0xdead000000000100}}) {
      FakeSystem system;
      system.fake.write64(system.modules["first"] + offset, wrong);
      EXPECT_EQ(report_of(system).json["pid"], 7) << offset;
    }
  }
}

TEST(Report, TasksInALoopAreReported) {
  FakeSystem system;
  const uint64_t node = system.tasks[5] + test::fake_task::kTasks;
  system.fake.write64(node, node);
  const Outputs report = report_of(system);
  EXPECT_EQ(report.json["tasks"], 6);
  EXPECT_THAT(report.text, HasSubstr("it loops"));
}

}  // namespace
}  // namespace lifeboat::inspect
