// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "src/inspect/show_value.h"
#include "tests/support/btf_builder.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::inspect {
namespace {

using testing::HasSubstr;
using namespace test;

// Two tasks in a ring, and a per-CPU run queue for each of two CPUs.
class Expression : public testing::Test {
 protected:
  static constexpr uint64_t kTaskSize = 104, kQueueSize = 16;

  Expression() {
    area_ = fake_.allocate(3 * kPageSize);
    symbols_ = {{"init_task", task(0)},          {"runqueues", queues()},
                {"__per_cpu_start", queues()},   {"__per_cpu_end", queues() + kQueueSize},
                {"__per_cpu_offset", offsets()}, {"nr_cpu_ids", area_ + 0x900},
                {"mystery", area_ + 0xa00},      {"hole", 0xffffc90000000000}};
    fill_task(0, 1, "swapper/0");
    fill_task(1, 0, "init");
    fake_.write64(task(1), uint64_t{7} << 32 | 2);  // pid 7, SLEEPING
    for (uint64_t cpu = 0; cpu < 2; ++cpu) {
      fake_.write64(offsets() + cpu * 8, 0x100 * (cpu + 1));
      fake_.write64(queues() + 0x100 * (cpu + 1), 5 + cpu);
      fake_.write64(queues() + 0x100 * (cpu + 1) + 8, task(cpu));
    }
    fake_.write32(area_ + 0x900, 2);
    fake_.write(area_ + 0xb00, as_byte_span(std::string_view("a\"name\n\0", 8)));
    memory_.emplace(fake_.open());
  }

  [[nodiscard]] uint64_t task(uint64_t index) const { return area_ + index * kTaskSize; }
  [[nodiscard]] uint64_t queues() const { return area_ + kPageSize; }
  [[nodiscard]] uint64_t offsets() const { return area_ + 0x800; }

  void fill_task(uint64_t index, uint64_t other, std::string_view name) {
    fake_.write(task(index) + 8, as_byte_span(name));
    fake_.write64(task(index) + 24, task(other) + 24);
    fake_.write64(task(index) + 32, task(other) + 24);
    fake_.write64(task(index) + 40, 0xfffffffe);  // cpu -2
    fake_.write64(task(index) + 48, task(0));
    fake_.write32(task(index) + 56, 0x123 << 3 | 7);  // low -1, high 0x123
    for (uint64_t port = 0; port < 4; ++port) fake_.write32(task(index) + 60 + 4 * port, 10 + port);
    fake_.write64(task(index) + 76, 1);
    fake_.write64(task(index) + 80, area_ + 0xb00);
    fake_.write64(task(index) + 96, task(1) + 1);
  }

  ExpressionScope scope() {
    return {*memory_, types_, [this](std::string_view name) -> std::optional<uint64_t> {
              const auto found = symbols_.find(name);
              if (found == symbols_.end()) return std::nullopt;
              return found->second;
            }};
  }
  Result<uint64_t> number(std::string_view text) {
    const auto here = scope();
    const Value value = TRY(evaluate(here, text));
    return to_number(here, value);
  }
  std::string type(std::string_view text) {
    const auto value = evaluate(scope(), text);
    return value ? types_.btf().name_of(value->type) : why(value);
  }
  std::string shown(std::string_view text, const ShowOptions& options = {}) {
    const auto here = scope();
    const auto value = evaluate(here, text);
    if (!value) return why(value);
    const auto result = show_value(here, *value, options);
    return result ? *result : why(result);
  }
  void expect_error(std::string_view text, ErrorCode code, std::string_view part) {
    const auto result = number(text);
    EXPECT_EQ(code_of(result), code) << text;
    EXPECT_THAT(why(result), HasSubstr(std::string(part))) << text;
  }
  [[nodiscard]] std::string hex(uint64_t address) const { return fmt::format("{:#x}", address); }

  FakeKernel fake_;
  uint64_t area_ = 0;
  std::map<std::string, uint64_t, std::less<>> symbols_;
  std::optional<KernelMemory> memory_;
  KernelTypes types_ = KernelTypes::from(small_kernel_btf().parse());
};

TEST_F(Expression, Numbers) {
  EXPECT_EQ(number("42").value(), 42u);
  EXPECT_EQ(number("0x2A").value(), 42u);
  EXPECT_EQ(number("0xffffffffffffffffUL").value(), ~uint64_t{0});
  EXPECT_EQ(number("1 + 2 - 4").value(), static_cast<uint64_t>(-1));
  EXPECT_EQ(number("-(1 + 2)").value(), static_cast<uint64_t>(-3));
  EXPECT_EQ(number("~0").value(), ~uint64_t{0});
  EXPECT_EQ(number("sizeof(struct task_struct)").value(), kTaskSize);
}

TEST_F(Expression, Members) {
  EXPECT_EQ(number("init_task.tasks.next").value(), task(1) + 24);
  EXPECT_EQ(type("init_task.tasks.next"), "struct list_head *");
  EXPECT_EQ(number("init_task.tasks.next->next").value(), task(0) + 24);
  EXPECT_EQ(number("init_task.parent->parent->ports[2]").value(), 12u);
  EXPECT_EQ(number("init_task.cpu").value(), static_cast<uint64_t>(-2)) << "of an anonymous union";
  EXPECT_EQ(number("init_task.low").value(), static_cast<uint64_t>(-1)) << "a signed bit-field";
  EXPECT_EQ(number("init_task.high").value(), 0x123u);
}

TEST_F(Expression, PointersAndAddresses) {
  EXPECT_EQ(number("&init_task.tasks").value(), task(0) + 24);
  EXPECT_EQ(type("&init_task.tasks"), "struct list_head *");
  EXPECT_EQ(number("(*init_task.parent).ports[0]").value(), 10u);
  EXPECT_EQ(number("*&init_task.ports[1]").value(), 11u);
  EXPECT_EQ(number("*init_task.ports").value(), 10u);
  EXPECT_EQ(number("*(init_task.ports + 3)").value(), 13u);
  EXPECT_EQ(number("init_task.ports").value(), task(0) + 60) << "an array is its address";
}

TEST_F(Expression, TheTextOfAPointerIsWhereItPoints) {
  const auto address = [this](std::string_view text) {
    const auto here = scope();
    return string_address(here, evaluate(here, text).value());
  };
  EXPECT_EQ(address("init_task.name").value(), area_ + 0xb00);
  EXPECT_EQ(address("init_task.comm").value(), task(0) + 8) << "an array is the text itself";
  EXPECT_EQ(address("&init_task.comm").value(), task(0) + 8) << "a number";
  EXPECT_EQ(address("init_task.stack").value(), task(0) + 96) << "no pointer";
  EXPECT_EQ(address("mystery").value(), symbols_.at("mystery")) << "without a type: the place";
  EXPECT_EQ(address("0x1000").value(), 0x1000u);
  const auto lost = address("((struct task_struct *)0xffffc90000000000)->name");
  EXPECT_EQ(code_of(lost), ErrorCode::not_mapped) << "a pointer that cannot be read";
}

TEST_F(Expression, PointersCountInElements) {
  EXPECT_EQ(number("&init_task + 1").value(), task(1));
  EXPECT_EQ(number("1 + &init_task").value(), task(1));
  EXPECT_EQ(number("&init_task + 2 - 1").value(), task(1));
  EXPECT_EQ(number("(&init_task + 5) - &init_task").value(), 5u);
  EXPECT_EQ(number("&init_task - (&init_task + 5)").value(), static_cast<uint64_t>(-5));
  EXPECT_EQ(number("(&init_task)[1].pid").value(), 7u);
  EXPECT_EQ(number("(void *)&init_task + 1").value(), task(0) + 1);
}

TEST_F(Expression, Casts) {
  const std::string address = hex(task(1));
  EXPECT_EQ(number("((struct task_struct *)" + address + ")->pid").value(), 7u);
  EXPECT_EQ(number("((task_struct *)" + address + ")->pid").value(), 7u);
  EXPECT_EQ(number("*(unsigned int *)&init_task.ports").value(), 10u);
  EXPECT_EQ(number("(int)0xffffffff").value(), ~uint64_t{0});
  EXPECT_EQ(number("(unsigned int)-1").value(), 0xffffffffu);
  EXPECT_EQ(number("(char)0x180").value(), static_cast<uint64_t>(-128));
  EXPECT_EQ(number("(bool)2").value(), 1u);
  EXPECT_EQ(number("(pid_t)3 + 1").value(), 4u);
  EXPECT_EQ(number("*(unsigned long *)&mystery").value(), 0u);
  EXPECT_EQ(number("((struct task_struct **)&mystery) + 1").value(), area_ + 0xa08);
}

TEST_F(Expression, ContainerOf) {
  EXPECT_EQ(number("container_of(init_task.tasks.next, struct task_struct, tasks)->pid").value(), 7u);
  EXPECT_EQ(type("container_of(init_task.tasks.next, struct task_struct, tasks)"), "struct task_struct *");
  EXPECT_EQ(number("container_of(init_task.tasks.next, struct task_struct, tasks.prev )").value(),
            task(1) - 8);
}

TEST_F(Expression, PerCpuVariables) {
  EXPECT_EQ(number("per_cpu(runqueues, 0).nr_running").value(), 5u);
  EXPECT_EQ(number("per_cpu(runqueues, 1).nr_running").value(), 6u);
  EXPECT_EQ(number("per_cpu(runqueues, 1).curr->pid").value(), 7u);
  EXPECT_EQ(number("per_cpu_ptr((struct rq *)" + hex(queues()) + ", 1)->nr_running").value(), 6u);
  expect_error("per_cpu(runqueues, 2)", ErrorCode::not_found,
               "column 20: there is no CPU 2: the kernel had 2");
  expect_error("per_cpu(runqueues, -1)", ErrorCode::not_found, "there is no CPU");
  expect_error("runqueues.nr_running", ErrorCode::usage, "per_cpu(runqueues, CPU)");
  symbols_.erase("__per_cpu_offset");
  expect_error("per_cpu(runqueues, 0).nr_running", ErrorCode::not_found, "__per_cpu_offset");
}

TEST_F(Expression, ErrorsNameTheColumnAndTheNearestMember) {
  expect_error("init_task.taks.next", ErrorCode::not_found,
               "column 11: struct task_struct has no member 'taks'");
  expect_error("init_task.taks.next", ErrorCode::not_found, "the nearest name is 'tasks'");
  expect_error("init_tsk", ErrorCode::not_found, "column 1: the kernel has no symbol 'init_tsk'");
  expect_error("init_task.parent.pid", ErrorCode::usage, "write ->pid");
  expect_error("init_task->pid", ErrorCode::usage, "struct task_struct is not a pointer");
  expect_error("init_task", ErrorCode::usage, "struct task_struct is not a number");
  expect_error("*init_task.private", ErrorCode::usage, "void pointer");
  expect_error("*0xffff888000000000", ErrorCode::usage, "cast it first");
  expect_error("mystery", ErrorCode::usage, "is unknown");
  expect_error("mystery.x", ErrorCode::usage, "has no members");
  expect_error("&init_task.low", ErrorCode::usage, "bit-field");
  expect_error("&3", ErrorCode::usage, "no address");
  expect_error("&init_task + &init_task", ErrorCode::usage, "two pointers");
  expect_error("1 - &init_task", ErrorCode::usage, "pointer");
  expect_error("(struct task_struct)init_task", ErrorCode::usage, "cast");
  expect_error("(struct nothing *)1", ErrorCode::not_found, "column 2: this kernel has no 'struct nothing'");
  expect_error("schedule()", ErrorCode::usage, "cannot be called");
}

TEST_F(Expression, TheMemorysErrorsArePassedOn) {
  expect_error("*(int *)&hole", ErrorCode::not_mapped, "");
  fake_.memory().fail_page(FakeKernel::to_physical(area_), ErrorCode::excluded);
  expect_error("init_task.parent->pid", ErrorCode::excluded, "column 17");
}

TEST_F(Expression, TextThatIsNoExpression) {
  for (const auto* text : {"",
                           " ",
                           "1+",
                           "(1",
                           "1)",
                           "init_task.",
                           "init_task.3",
                           "init_task[",
                           "a b",
                           "1 2",
                           "#",
                           "$x",
                           "0x",
                           "08x",
                           "12ab",
                           "0x10000000000000000",
                           "->x",
                           "()",
                           "(int)",
                           "*",
                           "&",
                           "per_cpu(",
                           "per_cpu(runqueues",
                           "per_cpu(1, 2)",
                           "container_of(1",
                           "container_of(1, struct rq",
                           "container_of(1, struct rq,",
                           "sizeof(",
                           "sizeof()",
                           "init_task..pid",
                           "(int *",
                           "\x80"})
    EXPECT_EQ(code_of(number(text)), text[0] == 'a' ? ErrorCode::not_found : ErrorCode::usage) << text;
}

TEST_F(Expression, DepthAndLengthAreBounded) {
  EXPECT_EQ(code_of(number(std::string(1000, '(') + "1" + std::string(1000, ')'))), ErrorCode::usage);
  EXPECT_EQ(code_of(number(std::string(1000, '*') + "1")), ErrorCode::usage);
  EXPECT_EQ(code_of(number(std::string(1000, '-') + "1")), ErrorCode::usage);
  EXPECT_EQ(code_of(number(std::string(100'000, ' ') + "1")), ErrorCode::usage);
  std::string sum = "1";
  for (int count = 0; count < 1000; ++count) sum += "+1";
  EXPECT_EQ(number(sum).value(), 1001u);
}

TEST_F(Expression, ShowsValuesByType) {
  ShowOptions options;
  options.symbol_at = [this](uint64_t address) {
    return address >= task(0) && address < task(0) + kTaskSize
               ? fmt::format("init_task+{:#x}", address - task(0))
               : "";
  };
  EXPECT_EQ(shown("init_task.comm"), "(char [16])\"swapper/0\"");
  EXPECT_EQ(shown("(&init_task + 1)->state"), "(enum state)SLEEPING");
  EXPECT_EQ(shown("init_task.low"), "(int)-1");
  EXPECT_EQ(shown("init_task.alive"), "(_Bool)true");
  EXPECT_EQ(shown("init_task.ports"), "(unsigned int [4]){10, 11, 12, 13}");
  EXPECT_EQ(shown("&init_task.tasks", options),
            "(struct list_head *)" + hex(task(0) + 24) + " <init_task+0x18>");
  EXPECT_EQ(shown("init_task.name"), "(const char *)" + hex(area_ + 0xb00) + " \"a\\\"name\\n\"");
  EXPECT_EQ(shown("70000"), "70000 (0x11170)");
  EXPECT_EQ(shown("(&init_task)[1].tasks", options),
            "(struct list_head){\n  .next = " + hex(task(0) + 24) +
                " <init_task+0x18>,\n  .prev = " + hex(task(0) + 24) + " <init_task+0x18>,\n}");
  const auto text = shown("init_task");
  EXPECT_THAT(text, HasSubstr("\n  {\n    .cpu = -2,\n    .word = 4294967294 (0xfffffffe),\n  },\n"));
  EXPECT_THAT(text, HasSubstr("\n  .high = 291,\n"));
}

TEST_F(Expression, ShowsWithinBounds) {
  ShowOptions options;
  options.elements = 2;
  EXPECT_EQ(shown("init_task.ports", options), "(unsigned int [4]){10, 11, ... (2 more)}");
  options.depth = 1;
  EXPECT_THAT(shown("init_task", options), HasSubstr(".tasks = {...}"));
  options.bytes = 50;
  EXPECT_THAT(shown("init_task", options), HasSubstr("the rest is left out"));
}

TEST_F(Expression, ShowsWhatCanBeRead) {
  // The last member's page is gone.
  const uint64_t start = area_ + 2 * kPageSize - 96;
  fake_.memory().fail_page(FakeKernel::to_physical(area_ + 2 * kPageSize), ErrorCode::excluded);
  const auto text = shown("*(struct task_struct *)" + hex(start));
  EXPECT_THAT(text, HasSubstr(".stack = <left out of the dump>,"));
  EXPECT_THAT(text, HasSubstr(".pid = 0,"));
  EXPECT_THAT(shown("((struct task_struct *)" + hex(start) + ")->stack"), HasSubstr("address"));
}

}  // namespace
}  // namespace lifeboat::inspect
