// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "src/vmcore/symbols.h"
#include "tests/support/kallsyms_builder.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<Symbol> symbols_of(const Kallsyms& kallsyms) {
  std::vector<Symbol> symbols;
  kallsyms.visit([&symbols](std::string_view name, uint64_t address, char type) {
    symbols.push_back({std::string(name), address, type, ""});
    return true;
  });
  return symbols;
}

void expect_equal(const std::vector<Symbol>& found, const std::vector<Symbol>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t at = 0; at < found.size(); ++at) {
    ASSERT_EQ(found[at].name, expected[at].name) << at;
    ASSERT_EQ(found[at].address, expected[at].address) << found[at].name;
    ASSERT_EQ(found[at].type, expected[at].type) << found[at].name;
  }
}

// Names of 128 tokens and more, first and last, so that the encodings of lengths differ everywhere.
void add_long_names(std::vector<Symbol>& symbols) {
  symbols.at(5).name = std::string(300, 'x');
  symbols.at(symbols.size() - 3).name = std::string(201, 'y');
}

// A kernel with tables, which a test damages before it opens them.
struct Fixture {
  explicit Fixture(const KallsymsOptions& options = {}, size_t count = 1000)
      : symbols(sample_symbols(fake, PerCpuSymbols::at_zero, count)),
        layout(put_kallsyms(fake, symbols, options)) {}
  Result<Kallsyms> read() {
    kernel.emplace(fake.open());
    return Kallsyms::read(*kernel);
  }
  [[nodiscard]] static uint64_t physical(uint64_t address) { return FakeKernel::to_physical(address); }

  FakeKernel fake;
  std::vector<Symbol> symbols;
  KallsymsLayout layout;
  std::optional<KernelMemory> kernel;
};

using Variant = std::tuple<AddressForm, NameLength, KallsymsOrder, uint64_t, bool>;
class KallsymsForms : public testing::TestWithParam<Variant> {};

TEST_P(KallsymsForms, EverySymbolIsRead) {
  const auto [form, lengths, order, alignment, keys] = GetParam();
  const bool can_hold_zero = form == AddressForm::absolute || form == AddressForm::absolute_percpu;
  for (const size_t count : {40, 512, 1000}) {
    for (const bool long_names : {false, true}) {
      // Without keys only what kernels before 6.0 wrote is looked for, and none has but one group of names.
      if (!keys && (long_names || count <= KallsymsNames::kGroup)) continue;
      FakeKernel fake;
      auto symbols =
          sample_symbols(fake, can_hold_zero ? PerCpuSymbols::at_zero : PerCpuSymbols::none, count);
      if (long_names) add_long_names(symbols);
      if (long_names && lengths == NameLength::one_byte) symbols.at(5).name.resize(255 - 1);
      put_kallsyms(fake, symbols, {form, lengths, order, alignment, keys});
      const auto kernel = fake.open();
      const auto read = Kallsyms::read(kernel);
      ASSERT_TRUE(read) << why(read);
      EXPECT_EQ(read->size(), count);
      EXPECT_THAT(read->warnings(), IsEmpty());
      expect_equal(symbols_of(*read), symbols);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    , KallsymsForms,
    testing::Combine(testing::Values(AddressForm::absolute, AddressForm::base_relative,
                                     AddressForm::absolute_percpu, AddressForm::place_relative),
                     testing::Values(NameLength::uleb128, NameLength::one_byte),
                     testing::Values(KallsymsOrder::addresses_first, KallsymsOrder::addresses_last),
                     testing::Values(4, 8), testing::Bool()));

TEST(Kallsyms, NamesToAddresses) {
  Fixture fixture;
  fixture.symbols.at(20).name = fixture.symbols.at(10).name;
  fixture.layout = put_kallsyms(fixture.fake, fixture.symbols);
  const auto read = fixture.read();
  ASSERT_TRUE(read) << why(read);
  const std::string twice = fixture.symbols[10].name;
  EXPECT_EQ(read->address_of("init_uts_ns"), fixture.fake.parsed().symbol("init_uts_ns"));
  EXPECT_EQ(read->address_of("runqueues"), 0x2000u);
  EXPECT_EQ(read->address_of("no_such_thing"), std::nullopt);
  EXPECT_EQ(read->address_of(""), std::nullopt);
  EXPECT_EQ(read->address_of(std::string(5000, 'x')), std::nullopt);
  EXPECT_EQ(read->address_of(twice), fixture.symbols[10].address);
  const auto both = read->all(twice);
  ASSERT_THAT(both, SizeIs(2));
  EXPECT_EQ(both[0].address, fixture.symbols[10].address);
  EXPECT_EQ(both[1].address, fixture.symbols[20].address);
  EXPECT_EQ(both[1].type, fixture.symbols[20].type);
  EXPECT_THAT(read->all("init_uts"), IsEmpty());
  const auto several = read->addresses_of({"_end", "nothing", "_stext", "_end"});
  EXPECT_THAT(several,
              testing::ElementsAre(fixture.symbols.back().address, std::nullopt,
                                   fixture.fake.parsed().symbol("_stext"), fixture.symbols.back().address));
}

TEST(Kallsyms, VisitStopsWhenAsked) {
  Fixture fixture;
  const auto read = fixture.read();
  ASSERT_TRUE(read) << why(read);
  int seen = 0;
  read->visit([&seen](std::string_view, uint64_t, char) { return ++seen < 7; });
  EXPECT_EQ(seen, 7);
}

TEST(Kallsyms, AddressesToNames) {
  Fixture fixture;
  const auto read = fixture.read();
  ASSERT_TRUE(read) << why(read);
  const Symbol& function = fixture.symbols.at(100);
  auto found = read->at(function.address + 5);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->symbol.name, function.name);
  EXPECT_EQ(found->symbol.address, function.address);
  EXPECT_EQ(found->symbol.type, function.type);
  EXPECT_EQ(found->offset, 5u);
  EXPECT_EQ(found->size, 16u);
  EXPECT_EQ(found->to_string(), function.name + "+0x5");
  found = read->at(function.address);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->to_string(), function.name);
  found->symbol.module = "ext4";
  EXPECT_EQ(found->to_string(), function.name + " [ext4]");
}

TEST(Kallsyms, OnlyTheImageIsNamed) {
  Fixture fixture;
  const auto read = fixture.read();
  ASSERT_TRUE(read) << why(read);
  const uint64_t text = fixture.fake.parsed().symbol("_stext").value();
  const uint64_t end = read->address_of("_end").value();
  EXPECT_TRUE(read->at(text));
  EXPECT_TRUE(read->at(end - 1));
  for (const uint64_t address : {uint64_t{0}, uint64_t{0x2000}, text - 1, end, end + 4096, ~uint64_t{0}})
    EXPECT_FALSE(read->at(address)) << address;
  // Behind the text and before the data is nothing.
  EXPECT_TRUE(read->at(read->address_of("_etext").value()));
  EXPECT_FALSE(read->at(read->address_of("_etext").value() + 1));
}

TEST(Kallsyms, BestOfSeveralNames) {
  FakeKernel fake;
  auto symbols = sample_symbols(fake);
  const char types[] = {'t', 'W', 'T', 'D'};
  const uint64_t address = symbols.at(20).address;
  for (size_t at = 0; at < 4; ++at) {
    symbols[20 + at].address = address;
    symbols[20 + at].type = types[at];
  }
  symbols[22].name = "$x";
  symbols[23].name = "the_global";
  put_kallsyms(fake, symbols);
  const auto kernel = fake.open();
  const auto read = Kallsyms::read(kernel);
  ASSERT_TRUE(read) << why(read);
  EXPECT_EQ(read->at(address + 1)->symbol.name, "the_global");
}

// Without CONFIG_KALLSYMS_ALL.
TEST(Kallsyms, TextSymbolsAlone) {
  FakeKernel fake;
  auto symbols = sample_symbols(fake, PerCpuSymbols::none);
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.type != 'T' && symbol.type != 't'; });
  symbols.push_back({"_sinittext", fake.parsed().symbol("init_uts_ns").value() + 0x100000, 'T', ""});
  put_kallsyms(fake, symbols);
  const auto kernel = fake.open();
  const auto read = Kallsyms::read(kernel);
  ASSERT_TRUE(read) << why(read);
  EXPECT_FALSE(read->at(fake.parsed().symbol("init_uts_ns").value()));
  const auto last = read->at(symbols.back().address + 4);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->symbol.name, "_sinittext");
  EXPECT_EQ(last->size, std::nullopt);
}

// What is not there.

TEST(Kallsyms, NoTables) {
  FakeKernel fake;
  const auto kernel = fake.open();
  const auto read = Kallsyms::read(kernel);
  EXPECT_EQ(code_of(read), ErrorCode::not_found);
  EXPECT_THAT(why(read), HasSubstr("CONFIG_KALLSYMS"));
}

TEST(Kallsyms, SomeKeysAreMissing) {
  for (const char* key : {"num_syms", "token_table", "token_index", "offsets"}) {
    Fixture fixture;
    fixture.fake.remove_key(fmt::format("SYMBOL(kallsyms_{})", key));
    const auto read = fixture.read();
    EXPECT_EQ(code_of(read), ErrorCode::not_found);
    EXPECT_THAT(why(read), HasSubstr(key));
  }
}

TEST(Kallsyms, MissingTablesFailWithTheirReason) {
  for (const auto code : {ErrorCode::excluded, ErrorCode::lost, ErrorCode::corrupt}) {
    for (const auto table :
         {&KallsymsLayout::count, &KallsymsLayout::token_table, &KallsymsLayout::token_index}) {
      Fixture fixture;
      fixture.fake.memory().fail_page(Fixture::physical(fixture.layout.*table), code);
      EXPECT_EQ(code_of(fixture.read()), code);
    }
  }
}

TEST(Kallsyms, UnmappedTables) {
  for (const char* key : {"names", "num_syms", "token_table", "token_index", "offsets", "relative_base"}) {
    Fixture fixture;
    // The token table must lie behind the names.
    const char* nowhere = std::string_view(key) == "token_table" ? "ffffffff9fff0000" : "ffffffff90000000";
    fixture.fake.set_key(fmt::format("SYMBOL(kallsyms_{})", key), nowhere);
    const auto read = fixture.read();
    EXPECT_TRUE(code_of(read) == ErrorCode::not_mapped || code_of(read) == ErrorCode::corrupt)
        << key << why(read);
  }
}

// Three pages of names: what lies in one of them is lost, the rest is there.
TEST(Kallsyms, LostNames) {
  for (uint64_t page = 1; page < 4; ++page) {
    Fixture fixture({}, 3000);
    const uint64_t address = align_down(fixture.layout.names, kPageSize) + page * kPageSize;
    ASSERT_LT(address, align_down(fixture.layout.markers, kPageSize));
    fixture.fake.memory().fail_page(Fixture::physical(address), ErrorCode::lost);
    const auto read = fixture.read();
    ASSERT_TRUE(read) << why(read);
    ASSERT_THAT(read->warnings(), SizeIs(1));
    EXPECT_THAT(read->warnings().front(), HasSubstr(fmt::format("{:#x}", address)));
    const auto found = symbols_of(*read);
    EXPECT_GT(found.size(), 500u);
    EXPECT_LT(found.size(), fixture.symbols.size());
    for (const auto& symbol : found) {
      const auto same = std::ranges::find(fixture.symbols, symbol.name, &Symbol::name);
      ASSERT_NE(same, fixture.symbols.end());
      EXPECT_EQ(same->address, symbol.address);
    }
    // What has no name is not called by its neighbour's.
    for (const auto& symbol : fixture.symbols) {
      const auto at = read->at(symbol.address);
      if (at) {
        EXPECT_EQ(at->symbol.address, symbol.address);
      }
    }
  }
}

TEST(Kallsyms, LostAddresses) {
  Fixture fixture({}, 3000);
  const uint64_t page = align_up(fixture.layout.addresses, kPageSize);
  fixture.fake.memory().fail_page(Fixture::physical(page), ErrorCode::excluded);
  const auto read = fixture.read();
  ASSERT_TRUE(read) << why(read);
  ASSERT_THAT(read->warnings(), SizeIs(1));
  const auto found = symbols_of(*read);
  EXPECT_EQ(found.size(), fixture.symbols.size() - kPageSize / sizeof(uint32_t));
  const size_t first = (page - fixture.layout.addresses) / sizeof(uint32_t);
  EXPECT_EQ(read->address_of(fixture.symbols.at(first).name), std::nullopt);
  EXPECT_EQ(read->at(fixture.symbols.at(first).address + 1), std::nullopt);
  // Whether the first lost one begins before or behind this is not known.
  EXPECT_EQ(read->at(fixture.symbols.at(first - 1).address + 1), std::nullopt);
  EXPECT_TRUE(read->at(fixture.symbols.at(first - 2).address + 1));
}

// One lie at a time.

TEST(Kallsyms, ImpossibleCounts) {
  for (const uint32_t count : {0u, 0xffffffffu, 5'000'000u}) {
    Fixture fixture;
    fixture.fake.write32(fixture.layout.count, count);
    const auto read = fixture.read();
    EXPECT_EQ(code_of(read), ErrorCode::corrupt);
    EXPECT_THAT(why(read), HasSubstr(std::to_string(count)));
  }
}

TEST(Kallsyms, MoreSymbolsThanThereAre) {
  Fixture fixture;
  fixture.fake.write32(fixture.layout.count, 1'000'000);
  // Whatever is made of it, it ends.
  const auto read = fixture.read();
  if (read) (void)symbols_of(*read);
}

TEST(Kallsyms, FewerSymbolsThanThereAre) {
  Fixture fixture;
  fixture.fake.write32(fixture.layout.count, 900);
  const auto read = fixture.read();
  ASSERT_TRUE(read) << why(read);
  auto expected = fixture.symbols;
  expected.resize(900);
  expect_equal(symbols_of(*read), expected);
}

TEST(Kallsyms, TokenIndexFallsOrPointsElsewhere) {
  for (const auto& [token, value] : {std::pair{0, 1}, {7, 0}, {100, 0xffff}, {255, 1}, {255, 0xffff}}) {
    Fixture fixture;
    const auto word = static_cast<uint16_t>(value);
    fixture.fake.write(fixture.layout.token_index + static_cast<uint64_t>(token) * 2, object_bytes(word));
    const auto read = fixture.read();
    EXPECT_TRUE(code_of(read) == ErrorCode::corrupt || code_of(read) == ErrorCode::not_present) << token;
    EXPECT_THAT(why(read), HasSubstr("kallsyms_token_table"));
  }
}

TEST(Kallsyms, TokenIsDamaged) {
  Fixture fixture;
  // In the middle of a token of several letters, the last of them but a few.
  const std::byte zero{0};
  uint64_t address = fixture.layout.token_table;
  while (fixture.kernel.emplace(fixture.fake.open()).read_string(address, 4).value() != "func") ++address;
  fixture.fake.write(address + 1, object_bytes(zero));
  EXPECT_EQ(code_of(fixture.read()), ErrorCode::corrupt);
}

TEST(Kallsyms, DamagedLengthCostsItsGroupOnly) {
  for (const uint8_t length : {0, 1, 0x7f, 0x80, 0xff}) {
    Fixture fixture;
    fixture.kernel.emplace(fixture.fake.open());
    const auto second = fixture.kernel->read<uint32_t>(fixture.layout.markers + 4).value();
    fixture.fake.write(fixture.layout.names + second, object_bytes(length));
    const auto read = fixture.read();
    ASSERT_TRUE(read) << why(read);
    EXPECT_THAT(read->warnings(), SizeIs(1));
    const auto found = symbols_of(*read);
    ASSERT_EQ(found.size(), fixture.symbols.size() - 256);
    EXPECT_EQ(found[256].name, fixture.symbols[512].name);
    EXPECT_EQ(found[256].address, fixture.symbols[512].address);
  }
}

TEST(Kallsyms, DamagedMarkersCostNothing) {
  Fixture fixture;
  fixture.fake.write32(fixture.layout.markers + 4, 0xffffffff);
  const auto read = fixture.read();
  ASSERT_TRUE(read) << why(read);
  expect_equal(symbols_of(*read), fixture.symbols);
}

TEST(Kallsyms, NamesBehindTheTokens) {
  Fixture fixture;
  fixture.fake.set_key("SYMBOL(kallsyms_names)", fmt::format("{:x}", fixture.layout.token_table + 16));
  EXPECT_EQ(code_of(fixture.read()), ErrorCode::corrupt);
  fixture.fake.set_key("SYMBOL(kallsyms_names)", "ffffffff00000000");
  EXPECT_EQ(code_of(fixture.read()), ErrorCode::corrupt);
}

TEST(Kallsyms, NothingAgreesWithVmcoreinfo) {
  Fixture fixture;
  fixture.fake.write64(fixture.layout.base, 0x1234);
  const auto read = fixture.read();
  EXPECT_EQ(code_of(read), ErrorCode::corrupt);
  EXPECT_THAT(why(read), HasSubstr("VMCOREINFO"));
}

TEST(Kallsyms, AddressesOutOfOrder) {
  Fixture fixture;
  for (size_t at = 10; at < 900; at += 7)
    fixture.fake.write32(fixture.layout.addresses + at * 4, static_cast<uint32_t>(at * 0x9e3779b9));
  const auto read = fixture.read();
  ASSERT_TRUE(read) << why(read);
  for (const auto& symbol : fixture.symbols) {
    const auto found = read->at(symbol.address);
    if (found) {
      EXPECT_LE(found->symbol.address, symbol.address);
    }
  }
}

// Without keys.

KallsymsOptions old_kernel() {
  return {AddressForm::absolute_percpu, NameLength::one_byte, KallsymsOrder::addresses_first, 8, false};
}

TEST(KallsymsByShape, LooksAlikeBeforeAndBehind) {
  FakeKernel fake;
  // Rising numbers that are no token index, on either side.
  const auto put_rising = [&fake] {
    const uint64_t address = fake.allocate(kPageSize);
    for (uint16_t value = 0; value < 256; ++value)
      fake.write(address + 2048 + uint64_t{value} * 2, object_bytes(value));
  };
  const auto symbols = sample_symbols(fake);
  put_rising();
  put_kallsyms(fake, symbols, old_kernel());
  put_rising();
  const auto kernel = fake.open();
  const auto read = Kallsyms::read(kernel);
  ASSERT_TRUE(read) << why(read);
  expect_equal(symbols_of(*read), symbols);
}

TEST(KallsymsByShape, ReportsWhatItCouldNotRead) {
  for (const auto table :
       {&KallsymsLayout::token_index, &KallsymsLayout::token_table, &KallsymsLayout::names}) {
    Fixture fixture(old_kernel());
    fixture.fake.memory().fail_page(Fixture::physical(fixture.layout.*table), ErrorCode::excluded);
    const auto read = fixture.read();
    EXPECT_EQ(code_of(read), ErrorCode::not_found);
    EXPECT_THAT(why(read), HasSubstr("pages are not readable"));
  }
}

TEST(KallsymsByShape, DamagedTables) {
  const std::pair<uint64_t KallsymsLayout::*, const char*> damages[] = {
      {&KallsymsLayout::token_index, "no kallsyms tables"},
      {&KallsymsLayout::token_table, "no token table"},
      {&KallsymsLayout::markers, "no markers"},
      {&KallsymsLayout::count, "no names"},
      {&KallsymsLayout::names, "no names"},
  };
  for (const auto& [table, reason] : damages) {
    Fixture fixture(old_kernel());
    fixture.fake.write32(fixture.layout.*table, 0x00ffffff);
    const auto read = fixture.read();
    EXPECT_EQ(code_of(read), ErrorCode::not_found);
    EXPECT_THAT(why(read), HasSubstr(reason));
  }
}

TEST(KallsymsByShape, NeedsStext) {
  Fixture fixture(old_kernel());
  fixture.fake.remove_key("SYMBOL(_stext)");
  const auto read = fixture.read();
  EXPECT_EQ(code_of(read), ErrorCode::not_found);
  EXPECT_THAT(why(read), HasSubstr("_stext"));
}

}  // namespace
}  // namespace lifeboat::test
