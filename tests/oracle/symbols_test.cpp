// SPDX-License-Identifier: GPL-2.0-or-later
// The symbols of a dump are those that /proc/kallsyms showed.
#include "src/vmcore/symbols.h"

#include <chrono>
#include <sstream>

#include "tests/oracle/oracle.h"

namespace lifeboat::test {
namespace {

// /proc/kallsyms without the modules' lines ("... [ext4]"), which come last: in the order of the kernel's
// table.
std::vector<Symbol> symbols_of_facts(const std::filesystem::path& folder) {
  std::vector<Symbol> symbols;
  std::istringstream lines(text_of(folder / "facts/kallsyms"));
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with(']')) continue;
    std::istringstream words(line);
    Symbol symbol;
    words >> std::hex >> symbol.address >> symbol.type >> symbol.name;
    symbols.push_back(std::move(symbol));
  }
  return symbols;
}

class SymbolsOracle : public testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    opened_ = open_oracle(GetParam());
    ASSERT_TRUE(opened_);
    const auto begin = std::chrono::steady_clock::now();
    auto symbols = Kallsyms::read(opened_->kernel);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    ASSERT_TRUE(symbols) << symbols.error().to_string();
    RecordProperty("read_ms", std::to_string(time.count()));
    symbols_ = std::make_unique<Kallsyms>(*std::move(symbols));
    facts_ = symbols_of_facts(GetParam());
    ASSERT_GT(facts_.size(), 10000u);
  }

  std::unique_ptr<OracleDump> opened_;
  std::unique_ptr<Kallsyms> symbols_;
  std::vector<Symbol> facts_;
};

TEST_P(SymbolsOracle, all_are_there_with_address_and_type) {
  EXPECT_TRUE(symbols_->warnings().empty());
  ASSERT_EQ(symbols_->size(), facts_.size());
  size_t index = 0, wrong = 0;
  symbols_->visit([&](std::string_view name, uint64_t address, char type) {
    const Symbol& fact = facts_[index++];
    if (name != fact.name || address != fact.address || type != fact.type) {
      ++wrong;
      ADD_FAILURE() << fmt::format("{:x} {} {} is {:x} {} {}", fact.address, fact.type, fact.name, address,
                                   type, name);
    }
    return wrong < 10;
  });
  if (wrong == 0) {
    EXPECT_EQ(index, facts_.size());
  }
}

TEST_P(SymbolsOracle, names_are_found) {
  // Every 1000th and the last.
  std::vector<std::string_view> names;
  for (size_t at = 0; at < facts_.size(); at += 1000) names.push_back(facts_[at].name);
  names.push_back(facts_.back().name);
  names.push_back("no_such_symbol");
  const auto found = symbols_->addresses_of(names);
  ASSERT_EQ(found.size(), names.size());
  for (size_t at = 0; at + 1 < names.size(); ++at) {
    const auto first = std::ranges::find(facts_, names[at], &Symbol::name);
    EXPECT_EQ(found[at], first->address) << names[at];
    EXPECT_EQ(symbols_->all(names[at]).size(),
              static_cast<size_t>(std::ranges::count(facts_, names[at], &Symbol::name)));
  }
  EXPECT_FALSE(found.back());
}

TEST_P(SymbolsOracle, addresses_are_named) {
  const uint64_t start = symbols_->address_of("_text").value();
  const uint64_t end = symbols_->address_of("_end").value();
  for (size_t at = 0; at + 1 < facts_.size(); at += 37) {
    const Symbol& fact = facts_[at];
    const auto next = std::ranges::upper_bound(facts_, fact.address, {}, &Symbol::address);
    // In the middle of what it names.
    if (fact.address < start || next == facts_.end() || next->address > end) continue;
    const uint64_t size = next->address - fact.address;
    const auto found = symbols_->at(fact.address + size / 2);
    if (!found) {
      // Only padding is nobody's.
      EXPECT_TRUE(fact.name == "_etext" || fact.name == "_einittext") << fact.name;
      continue;
    }
    EXPECT_EQ(found->symbol.address, fact.address);
    EXPECT_EQ(found->offset, size / 2);
    EXPECT_EQ(found->size, size);
    // By one of its names.
    const auto same = std::ranges::equal_range(facts_, fact.address, {}, &Symbol::address);
    EXPECT_NE(std::ranges::find(same, found->symbol.name, &Symbol::name), same.end()) << found->symbol.name;
  }
  EXPECT_FALSE(symbols_->at(0));
  EXPECT_FALSE(symbols_->at(start - 1));
  EXPECT_FALSE(symbols_->at(end));
  EXPECT_FALSE(symbols_->at(~uint64_t{0}));
}

INSTANTIATE_TEST_SUITE_P(, SymbolsOracle, testing::ValuesIn(oracle_folders()), oracle_name);
// Without the VM tests' dumps there is nothing to compare with.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SymbolsOracle);

}  // namespace
}  // namespace lifeboat::test
