// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/vmcoreinfo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lifeboat {
namespace {

using testing::HasSubstr;

constexpr std::string_view kValid =
    "OSRELEASE=6.12.0\n"
    "PAGESIZE=4096\n"
    "SYMBOL(prb)=ffffffff82a4c1d8\n"
    "OFFSET(page.flags)=0\n"
    "SIZE(page)=64\n"
    "LENGTH(zone.free_area)=11\n"
    "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456\n"
    "NUMBER(sme_mask)=9223372036854775808\n"
    "NUMBER(hex)=0x10\n"
    "KERNELOFFSET=1a000000\n"
    "CRASHTIME=1700000000\n";

TEST(Vmcoreinfo, ReadsEveryKind) {
  const auto info = Vmcoreinfo::parse(kValid);
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(info->release(), "6.12.0");
  EXPECT_EQ(info->value("KERNELOFFSET"), "1a000000");
  EXPECT_EQ(info->symbol("prb"), 0xffffffff82a4c1d8);
  EXPECT_EQ(info->offset("page.flags"), 0u);
  EXPECT_EQ(info->size("page"), 64u);
  EXPECT_EQ(info->length("zone.free_area"), 11u);
  EXPECT_EQ(info->number("PAGE_BUDDY_MAPCOUNT_VALUE"), -268435456);
  EXPECT_EQ(static_cast<uint64_t>(info->number("sme_mask").value()), uint64_t{1} << 63);
  EXPECT_EQ(info->number("hex"), 16);
  EXPECT_EQ(info->crash_time(), 1700000000u);
  EXPECT_EQ(info->malformed_lines(), 0u);
}

TEST(Vmcoreinfo, WhatIsNotThereIsNamed) {
  const auto info = Vmcoreinfo::parse("OSRELEASE=6.12.0").value();
  EXPECT_FALSE(info.symbol("prb"));
  EXPECT_FALSE(info.crash_time());
  for (const auto& error : {info.require_symbol("prb").error(), info.require_offset("page.flags").error(),
                            info.require_size("page").error(), info.require_number("PG_lru").error()})
    EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_THAT(info.require_symbol("prb").error().message, HasSubstr("SYMBOL(prb)"));
  EXPECT_THAT(info.require_offset("page.flags").error().message, HasSubstr("OFFSET(page.flags)"));
  EXPECT_THAT(info.require_size("page").error().message, HasSubstr("SIZE(page)"));
  EXPECT_THAT(info.require_number("PG_lru").error().message, HasSubstr("NUMBER(PG_lru)"));
}

TEST(Vmcoreinfo, NothingAtAll) {
  const auto info = Vmcoreinfo::parse("");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, ErrorCode::not_found);
  EXPECT_THAT(info.error().fix, HasSubstr("vmcoreinfo"));
}

TEST(Vmcoreinfo, GarbledTextIsCorrupt) {
  for (const std::string& text :
       {std::string("PAGESIZE=4096\n"), std::string("OSRELEASE=\n"), std::string("\xff\xfe\x01"),
        std::string(100, '\0'), std::string("OSRELEASE\n"), std::string("OSRELEASE=6.12\x01\n"),
        std::string("=6.12.0\n"), std::string("\n\n\n")}) {
    const auto info = Vmcoreinfo::parse(text);
    ASSERT_FALSE(info) << text;
    EXPECT_EQ(info.error().code, ErrorCode::corrupt) << text;
  }
}

TEST(Vmcoreinfo, TooMuchTextIsCorrupt) {
  const auto info = Vmcoreinfo::parse("OSRELEASE=6.12.0\n" + std::string(2 << 20, 'x'));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, ErrorCode::corrupt);
}

TEST(Vmcoreinfo, MalformedLinesAreCountedAndKeptOut) {
  const auto info = Vmcoreinfo::parse("no equals sign\n=value\nOSRELEASE=6.12.0\nBAD=\x80\nGOOD=1=2\n");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->malformed_lines(), 3u);
  EXPECT_FALSE(info->value("BAD"));
  EXPECT_EQ(info->value("GOOD"), "1=2");
}

TEST(Vmcoreinfo, MalformedNumbersAreNotThere) {
  for (const char* value : {"", "x", "12x", "-1", "0x10", " 1", "1 ", "18446744073709551616"}) {
    const auto info =
        Vmcoreinfo::parse(fmt::format("OSRELEASE=1\nOFFSET(a)={0}\nSIZE(a)={0}\nLENGTH(a)={0}\n", value));
    EXPECT_FALSE(info.value().offset("a")) << value;
    EXPECT_FALSE(info.value().size("a")) << value;
    EXPECT_FALSE(info.value().length("a")) << value;
  }
  for (const char* value : {"", "g", "fffffffffffffffff", "-1", "+1"})
    EXPECT_FALSE(Vmcoreinfo::parse(fmt::format("OSRELEASE=1\nSYMBOL(a)={}\n", value)).value().symbol("a"))
        << value;
  for (const char* value : {"", "-", "1.5", "99999999999999999999", "-9223372036854775809", "0x"})
    EXPECT_FALSE(Vmcoreinfo::parse(fmt::format("OSRELEASE=1\nNUMBER(a)={}\n", value)).value().number("a"))
        << value;
}

TEST(Vmcoreinfo, TheFirstOfTwoEqualKeysWins) {
  EXPECT_EQ(Vmcoreinfo::parse("OSRELEASE=first\nOSRELEASE=second\n").value().release(), "first");
}

}  // namespace
}  // namespace lifeboat
