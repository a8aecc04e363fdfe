// SPDX-License-Identifier: GPL-2.0-or-later
// Types from the BTF of real dumps, beside what each kernel's VMCOREINFO has of the same structs: two
// independent accounts, one by pahole and one by the compiler.
#include <regex>

#include "src/inspect/show_value.h"
#include "src/vmcore/dump_kernel.h"
#include "tests/peers/peers.h"

namespace lifeboat::test {
namespace {

class Types : public testing::Test {
 protected:
  void SetUp() override {
    auto dump = Dump::open(rehearsal() / "vmcore");
    ASSERT_TRUE(dump) << dump.error().to_string();
    dump_ = std::move(*dump);
    auto memory = kernel_of(*dump_);
    ASSERT_TRUE(memory) << memory.error().to_string();
    memory_.emplace(std::move(*memory));
    auto symbols = Kallsyms::read(*memory_);
    ASSERT_TRUE(symbols) << symbols.error().to_string();
    symbols_.emplace(std::move(*symbols));
    auto types = KernelTypes::read(*memory_, *symbols_);
    ASSERT_TRUE(types) << types.error().to_string();
    types_.emplace(std::move(*types));
  }

  std::string shown(std::string_view text) {
    const inspect::ExpressionScope scope{
        *memory_, *types_, [this](std::string_view name) { return symbols_->address_of(name); }};
    const auto value = inspect::evaluate(scope, text);
    if (!value) return value.error().to_string();
    const auto result = inspect::show_value(scope, *value);
    return result ? *result : result.error().to_string();
  }

  std::unique_ptr<Dump> dump_;
  std::optional<KernelMemory> memory_;
  std::optional<Kallsyms> symbols_;
  std::optional<KernelTypes> types_;
};

TEST_F(Types, agree_with_vmcoreinfo) {
  const std::string& text = dump_->info().vmcoreinfo;
  const std::regex key(R"((SIZE|OFFSET)\((\w+)(?:\.([\w.]+))?\)=(\d+))");
  size_t compared = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), key); match != std::sregex_iterator(); ++match) {
    const std::string structure = (*match)[2], member = (*match)[3];
    const uint64_t expected = std::stoull((*match)[4]);
    if ((*match)[1] == "SIZE") {
      const auto size = types_->size_of(structure);
      ASSERT_TRUE(size) << size.error().to_string();
      EXPECT_EQ(*size, expected) << structure;
    } else {
      const auto field = types_->field(structure, member);
      ASSERT_TRUE(field) << field.error().to_string();
      EXPECT_EQ(field->offset, expected) << structure << '.' << member;
    }
    ++compared;
  }
  EXPECT_GT(compared, 40u);
}

TEST_F(Types, every_type_can_be_declared) {
  const Btf& btf = types_->btf();
  EXPECT_GT(btf.last_id(), 50'000u);
  for (TypeId id = 1; id <= btf.last_id(); ++id) {
    const auto text = btf.declaration(id);
    ASSERT_TRUE(text) << id << ": " << text.error().to_string();
  }
}

TEST_F(Types, expressions_lead_to_tasks) {
  EXPECT_EQ(shown("init_task.comm"), "(char [16])\"swapper/0\"");
  EXPECT_EQ(shown("container_of(init_task.tasks.next, struct task_struct, tasks)->pid"), "(pid_t)1");
  EXPECT_EQ(shown("((struct task_struct *)&init_task)->tasks.prev->next"), shown("&init_task.tasks"));
  EXPECT_EQ(shown("init_task.group_leader"), shown("&init_task"));
  EXPECT_EQ(shown("per_cpu(runqueues, 0).idle"), shown("&init_task"));
  EXPECT_EQ(shown("per_cpu(runqueues, 1).idle->comm"), "(char [16])\"swapper/1\"");
  EXPECT_EQ(shown("init_uts_ns.name.sysname"), "(char [65])\"Linux\"");
}

}  // namespace
}  // namespace lifeboat::test
