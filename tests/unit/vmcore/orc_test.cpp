// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/orc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/support/fake_orc.h"

namespace lifeboat::test {
namespace {

using namespace x86_64;
using testing::HasSubstr;

constexpr std::array kVersions = {OrcVersion::first, OrcVersion::with_signal, OrcVersion::with_types,
                                  OrcVersion::renumbered};

TEST(Orc, CallByTheStackPointerInEachVersion) {
  // sp 5 or 3; bp from the previous sp 1 or 8; call 0 or 2.
  constexpr std::array<uint16_t, 4> kFlags = {0x0015, 0x0015, 0x0215, 0x0283};
  for (size_t index = 0; index < kVersions.size(); ++index) {
    const auto entry = decode_orc(kVersions[index], {24, -16, kFlags[index]});
    ASSERT_TRUE(entry) << index;
    EXPECT_EQ(entry->sp_offset, 24);
    EXPECT_EQ(entry->bp_offset, -16);
    EXPECT_EQ(entry->sp, OrcRegister::sp);
    EXPECT_EQ(entry->bp, OrcRegister::previous_sp);
    EXPECT_EQ(entry->type, OrcType::call);
    EXPECT_FALSE(entry->interrupted);
  }
}

TEST(Orc, RegistersEndAndUndefinedInEachVersion) {
  struct Case {
    OrcVersion version;
    uint16_t registers, partial, end, undefined;
  };
  for (const Case& one : {Case{OrcVersion::first, 0x0105, 0x0205, 0x0400, 0x0000},
                          Case{OrcVersion::with_signal, 0x0505, 0x0605, 0x0800, 0x0000},
                          Case{OrcVersion::with_types, 0x0b05, 0x0c05, 0x0100, 0x0000},
                          Case{OrcVersion::renumbered, 0x0b03, 0x0c03, 0x0100, 0x0000}}) {
    const auto registers = decode_orc(one.version, {0, 0, one.registers}).value();
    EXPECT_EQ(registers.type, OrcType::registers);
    EXPECT_TRUE(registers.interrupted);
    EXPECT_EQ(registers.sp, OrcRegister::sp);
    EXPECT_EQ(decode_orc(one.version, {0, 0, one.partial})->type, OrcType::partial_registers);
    EXPECT_EQ(decode_orc(one.version, {0, 0, one.end})->type, OrcType::end);
    EXPECT_EQ(decode_orc(one.version, {0, 0, one.undefined})->type, OrcType::undefined);
  }
  // The registers of a system call were saved by a call, so to speak: where the table can say so, it does.
  EXPECT_FALSE(decode_orc(OrcVersion::with_types, {0, 0, 0x0305})->interrupted);
}

TEST(Orc, WhatAVersionDoesNotHaveIsNoEntry) {
  EXPECT_FALSE(decode_orc(OrcVersion::first, {8, 0, 0x0305}));       // type 3
  EXPECT_FALSE(decode_orc(OrcVersion::first, {8, 0, 0x0805}));       // bit 11
  EXPECT_FALSE(decode_orc(OrcVersion::first, {8, 0, 0x0405}));       // the end, but with a frame
  EXPECT_FALSE(decode_orc(OrcVersion::with_types, {8, 0, 0x0505}));  // type 5
  EXPECT_FALSE(decode_orc(OrcVersion::with_types, {8, 0, 0x1205}));  // bit 12
  EXPECT_FALSE(decode_orc(OrcVersion::with_types, {8, 0, 0x020a}));  // register 10
  EXPECT_FALSE(decode_orc(OrcVersion::with_types, {8, 0, 0x0255}));  // bp from sp
  EXPECT_TRUE(decode_orc(OrcVersion::renumbered, {8, 0, 0x020a}));
  EXPECT_FALSE(decode_orc(OrcVersion::renumbered, {8, 0, 0x020b}));
}

TEST(Orc, NoFlagsAreTooMuch) {
  for (const OrcVersion version : kVersions)
    for (unsigned flags = 0; flags <= 0xffff; ++flags)
      (void)decode_orc(version, {0, 0, static_cast<uint16_t>(flags)});
}

TEST(Orc, HeadersShowTheVersion) {
  EXPECT_EQ(orc_version_of_header(0xdb84aed4), OrcVersion::with_signal);
  EXPECT_EQ(orc_version_of_header(0xfe5d32bf), OrcVersion::with_types);
  EXPECT_EQ(orc_version_of_header(0x137c36ad), OrcVersion::renumbered);
  EXPECT_FALSE(orc_version_of_header(0xd4ae84db));
}

TEST(Orc, EntriesShowTheVersion) {
  struct Case {
    OrcVersion version;
    std::vector<uint16_t> flags;
  };
  for (const Case& one : {Case{OrcVersion::first, {0x0005, 0x0015, 0x0014, 0x0105, 0x0400, 0x0000}},
                          Case{OrcVersion::with_signal, {0x0005, 0x0015, 0x0014, 0x0505, 0x0800, 0x0000}},
                          Case{OrcVersion::with_types, {0x0205, 0x0215, 0x0214, 0x0b05, 0x0100, 0x0000}},
                          Case{OrcVersion::renumbered, {0x0203, 0x0283, 0x0284, 0x0b03, 0x0100, 0x0000}}}) {
    FakeKernel fake;
    std::vector<FakeOrc> entries;
    for (uint64_t index = 0; index < 600; ++index) {
      // The rare ones are rare.
      const uint16_t flags = one.flags[index % 50 < 45 ? index % 3 : index % one.flags.size()];
      // Without a register there is no offset.
      entries.push_back(
          {kFakeCode + index * 16, {static_cast<int16_t>((flags & 0xf) == 0 ? 0 : 16), 0, flags}});
    }
    const OrcPlace place = write_orc(fake, entries);
    const auto memory = fake.open();
    const auto version = orc_version_of_entries(memory, place);
    ASSERT_TRUE(version) << version.error().to_string();
    EXPECT_EQ(*version, one.version);
  }
}

TEST(Orc, NoiseIsOfNoVersion) {
  FakeKernel fake;
  std::vector<FakeOrc> entries;
  for (uint64_t index = 0; index < 600; ++index)
    entries.push_back(
        {kFakeCode + index, {static_cast<int16_t>(index * 7919), 0, static_cast<uint16_t>(index * 40503)}});
  const OrcPlace place = write_orc(fake, entries);
  const auto version = orc_version_of_entries(fake.open(), place);
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().code, ErrorCode::corrupt);
}

TEST(Orc, EntriesOutOfTheDumpAreReported) {
  FakeKernel fake;
  const OrcPlace place = write_orc(fake, {{kFakeCode, {8, 0, 0x0205}}});
  fake.memory().fail_page(FakeKernel::to_physical(place.entries), ErrorCode::excluded);
  EXPECT_EQ(orc_version_of_entries(fake.open(), place).error().code, ErrorCode::excluded);
}

TEST(OrcTable, FindsTheEntryAtOrBelow) {
  FakeKernel fake;
  std::vector<FakeOrc> entries;
  // Over several pages of addresses.
  for (uint64_t index = 0; index < 3000; ++index)
    entries.push_back({kFakeCode + 16 * index, {static_cast<int16_t>(8 + 8 * (index % 100)), 0, 0x0205}});
  const OrcPlace place = write_orc(fake, entries);
  const auto memory = fake.open();
  auto table = OrcTable::create(memory, place, OrcVersion::with_types).value();
  for (const uint64_t index : {0, 1, 1023, 1024, 1025, 2048, 2999}) {
    const int16_t offset = entries[index].entry.sp_offset;
    EXPECT_EQ(table.find(kFakeCode + 16 * index)->sp_offset, offset);
    EXPECT_EQ(table.find(kFakeCode + 16 * index + 15)->sp_offset, offset);
  }
  EXPECT_EQ(table.find(kFakeCode + uint64_t{16} * 5000)->sp_offset, entries.back().entry.sp_offset);
  EXPECT_EQ(table.find(kFakeCode - 1).error().code, ErrorCode::not_found);
  EXPECT_EQ(table.find(0).error().code, ErrorCode::not_found);
}

TEST(OrcTable, OfSeveralAtOneAddressTheLast) {
  FakeKernel fake;
  const OrcPlace place = write_orc(
      fake, {{kFakeCode, {8, 0, 0x0205}}, {kFakeCode + 16, {0, 0, 0}}, {kFakeCode + 16, {24, 0, 0x0205}}});
  const auto memory = fake.open();
  auto table = OrcTable::create(memory, place, OrcVersion::with_types).value();
  EXPECT_EQ(table.find(kFakeCode + 20)->sp_offset, 24);
}

TEST(OrcTable, ImpossibleSizes) {
  FakeKernel fake;
  const auto memory = fake.open();
  const auto code = [&](const OrcPlace& place) {
    return OrcTable::create(memory, place, OrcVersion::first).error().code;
  };
  EXPECT_EQ(code({kFakeCode, kFakeCode, 0}), ErrorCode::not_found);
  EXPECT_EQ(code({kFakeCode, kFakeCode, ~uint64_t{0}}), ErrorCode::corrupt);
  EXPECT_EQ(code({kFakeCode, kFakeCode, uint64_t{1} << 32}), ErrorCode::corrupt);
  EXPECT_EQ(code({~uint64_t{0} - 100, kFakeCode, 100}), ErrorCode::corrupt);
  EXPECT_EQ(code({kFakeCode, ~uint64_t{0} - 100, 100}), ErrorCode::corrupt);
}

TEST(OrcTable, DamageIsDistinguished) {
  FakeKernel fake;
  const OrcPlace place = write_orc(fake, {{kFakeCode, {8, 0, 0x0f05}}});
  {
    const auto memory = fake.open();
    const auto found = OrcTable::create(memory, place, OrcVersion::with_types)->find(kFakeCode);
    EXPECT_EQ(found.error().code, ErrorCode::corrupt);
    EXPECT_THAT(found.error().message, HasSubstr("0xf05"));
  }
  fake.memory().fail_page(FakeKernel::to_physical(place.ips), ErrorCode::lost);
  const auto memory = fake.open();
  EXPECT_EQ(OrcTable::create(memory, place, OrcVersion::with_types)->find(kFakeCode).error().code,
            ErrorCode::lost);
}

}  // namespace
}  // namespace lifeboat::test
