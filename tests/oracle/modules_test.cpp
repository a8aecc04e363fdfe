// SPDX-License-Identifier: GPL-2.0-or-later
// The modules of a dump and their symbols are those that /proc/modules and /proc/kallsyms showed.
#include "src/vmcore/modules.h"

#include <gmock/gmock.h>

#include <map>
#include <set>
#include <sstream>

#include "src/vmcore/module_symbols.h"
#include "src/vmcore/x86_64/x86_64_architecture.h"
#include "tests/oracle/oracle.h"

namespace lifeboat::test {
namespace {

class ModulesOracle : public testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    opened_ = open_oracle(GetParam());
    ASSERT_TRUE(opened_);
    auto symbols = Kallsyms::read(opened_->kernel);
    ASSERT_TRUE(symbols) << symbols.error().to_string();
    symbols_ = std::make_unique<Kallsyms>(*std::move(symbols));
    auto types = KernelTypes::read(opened_->kernel, *symbols_);
    ASSERT_TRUE(types) << types.error().to_string();
    types_ = std::make_unique<KernelTypes>(*std::move(types));
    auto list = ModuleList::read(opened_->kernel, *symbols_, *types_);
    ASSERT_TRUE(list) << list.error().to_string();
    list_ = *std::move(list);
    EXPECT_EQ(list_.damage, "");
    all_ = std::make_unique<Symbols>(opened_->kernel, *symbols_, types_.get(), &list_);
  }

  std::unique_ptr<OracleDump> opened_;
  std::unique_ptr<Kallsyms> symbols_;
  std::unique_ptr<KernelTypes> types_;
  ModuleList list_;
  std::unique_ptr<Symbols> all_;
};

TEST_P(ModulesOracle, are_those_of_proc) {
  // NAME SIZE USES USERS STATE BASE [(TAINTS)]
  std::istringstream lines(text_of(GetParam() / "facts/modules"));
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    std::istringstream words(line);
    std::string name, uses, users, state;
    uint64_t size = 0, base = 0;
    words >> name >> size >> uses >> users >> state >> std::hex >> base;
    ASSERT_LT(count, list_.modules.size());
    const Module& module = list_.modules[count];
    EXPECT_EQ(module.name, name);
    EXPECT_EQ(module.size, size) << name;
    EXPECT_EQ(module.base, base) << name;
    EXPECT_EQ(module.state, ModuleState::live) << name;
    EXPECT_EQ(list_.at(base), &module);
    EXPECT_EQ(list_.find(name), &module);
  }
  EXPECT_EQ(list_.modules.size(), count);
}

TEST_P(ModulesOracle, symbols_are_those_of_proc) {
  // In capitals there: exported; here: global.
  const auto small = [](std::string line) {
    line[17] = static_cast<char>(std::tolower(static_cast<unsigned char>(line[17])));
    return line;
  };
  // "ADDRESS TYPE NAME\\t[MODULE]"
  std::map<std::string, std::vector<std::string>> facts;
  std::istringstream lines(text_of(GetParam() / "facts/kallsyms"));
  for (std::string line; std::getline(lines, line);) {
    const size_t bracket = line.find("\t[");
    if (bracket == std::string::npos) continue;
    facts[line.substr(bracket + 2, line.size() - bracket - 3)].push_back(small(line.substr(0, bracket)));
  }
  for (const auto& module : list_.modules) {
    const auto& symbols = all_->of(module);
    ASSERT_TRUE(symbols) << symbols.error().to_string();
    std::vector<std::string> found;
    symbols->visit([&](std::string_view name, uint64_t address, char type) {
      found.push_back(small(fmt::format("{:016x} {} {}", address, type, name)));
      return true;
    });
    EXPECT_THAT(found, testing::ElementsAreArray(facts[module.name])) << module.name;
  }
}

TEST_P(ModulesOracle, addresses_in_modules_are_named) {
  ASSERT_FALSE(list_.modules.empty());
  for (const auto& module : list_.modules) {
    const auto& symbols = all_->of(module);
    ASSERT_TRUE(symbols);
    size_t functions = 0;
    symbols->visit([&](std::string_view name, uint64_t address, char type) {
      if (type != 't' && type != 'T') return true;
      if (module.piece_at(address) == nullptr) return true;
      ++functions;
      const auto found = all_->at(address + 1);
      EXPECT_TRUE(found) << name;
      if (!found) return false;
      // Names of no size share an address with the next.
      EXPECT_EQ(found->symbol.module, module.name);
      EXPECT_LE(found->symbol.address, address + 1);
      EXPECT_GE(found->symbol.address, address);
      return true;
    });
    EXPECT_GT(functions, 0u) << module.name;
    const auto base = all_->at(module.base);
    ASSERT_TRUE(base);
    EXPECT_EQ(base->symbol.module, module.name);
  }
  EXPECT_EQ(all_->find("_stext").size(), 1u);
  EXPECT_EQ(all_->at(*symbols_->address_of("_stext"))->symbol.module, "");
}

// The dump's memory with some words changed.
class PatchedMemory final : public PhysicalMemory {
 public:
  explicit PatchedMemory(PhysicalMemory& memory) : memory_(memory) {}
  void patch(uint64_t physical, uint64_t word) { words_[physical] = word; }
  Result<> read(uint64_t address, MutableByteSpan out) override {
    TRY_VOID(memory_.read(address, out));
    for (const auto& [place, word] : words_) {
      for (size_t byte = 0; byte < sizeof word; ++byte) {
        const uint64_t at = place + byte;
        if (at >= address && at - address < out.size()) out[at - address] = object_bytes(word)[byte];
      }
    }
    return {};
  }

 private:
  PhysicalMemory& memory_;
  std::map<uint64_t, uint64_t> words_;
};

class DamagedModules : public ModulesOracle {
 protected:
  void SetUp() override {
    ModulesOracle::SetUp();
    if (HasFatalFailure()) return;
    ASSERT_GE(list_.modules.size(), 3u);
    memory_ = std::make_unique<PatchedMemory>(*opened_->dump);
    kernel_ = std::make_unique<KernelMemory>(
        KernelMemory::create(*memory_, x86_64::architecture(), opened_->dump->info().vmcoreinfo).value());
  }
  // Into the member of the module of that number in the list.
  void patch(size_t module, std::string_view member, uint64_t word) {
    const uint64_t address =
        list_.modules.at(module).address + types_->field("module", member).value().offset;
    memory_->patch(kernel_->translate(address).value(), word);
  }
  ModuleList read() { return ModuleList::read(*kernel_, *symbols_, *types_).value(); }

  std::unique_ptr<PatchedMemory> memory_;
  std::unique_ptr<KernelMemory> kernel_;
};

TEST_P(DamagedModules, a_loop_ends) {
  patch(2, "list.next", list_.modules[0].address + types_->field("module", "list.next").value().offset);
  const auto list = read();
  EXPECT_EQ(list.modules.size(), 3u);
  EXPECT_THAT(list.damage, testing::HasSubstr("does not end"));
}

TEST_P(DamagedModules, a_wild_pointer_ends_the_list) {
  for (const uint64_t pointer : {uint64_t{0}, uint64_t{8}, uint64_t{0x4141414141414141}, ~uint64_t{0}}) {
    patch(1, "list.next", pointer);
    const auto list = read();
    EXPECT_EQ(list.modules.size(), 2u);
    EXPECT_THAT(list.damage, testing::Not(testing::IsEmpty()));
  }
}

TEST_P(DamagedModules, impossible_memory_leaves_the_module_out) {
  const bool pieces = types_->field("module", "mem").has_value();
  patch(1, pieces ? "mem[0].base" : "core_layout.base", ~uint64_t{0});
  const auto list = read();
  EXPECT_EQ(list.modules.size(), list_.modules.size() - 1);
  EXPECT_THAT(list.damage, testing::HasSubstr(list_.modules[1].name));
}

TEST_P(DamagedModules, impossible_symbol_tables) {
  const uint64_t table =
      KernelTypes::number(*kernel_, list_.modules[1].address, types_->field("module", "kallsyms").value())
          .value();
  memory_->patch(
      kernel_->translate(table + types_->field("mod_kallsyms", "num_symtab").value().offset).value(),
      0xffffffff);
  const auto list = read();
  const Symbols all(*kernel_, *symbols_, types_.get(), &list);
  const auto& symbols = all.of(list.modules[1]);
  ASSERT_FALSE(symbols);
  EXPECT_EQ(symbols.error().code, ErrorCode::corrupt);
  // The module is still known.
  const auto found = all.at(list.modules[1].base + 16);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->to_string(), "+0x10 [" + list.modules[1].name + "]");
  EXPECT_TRUE(all.at(list.modules[0].base));
}

INSTANTIATE_TEST_SUITE_P(, DamagedModules, testing::ValuesIn(oracle_folders()), oracle_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DamagedModules);
INSTANTIATE_TEST_SUITE_P(, ModulesOracle, testing::ValuesIn(oracle_folders()), oracle_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ModulesOracle);

}  // namespace
}  // namespace lifeboat::test
