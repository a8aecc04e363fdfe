// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/duration.h"

#include <gtest/gtest.h>

namespace lifeboat {
namespace {

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("90").value().count(), 90);
  EXPECT_EQ(parse_duration("90s").value().count(), 90);
  EXPECT_EQ(parse_duration("5min").value().count(), 300);
  EXPECT_EQ(parse_duration("5 min").value().count(), 300);
  EXPECT_EQ(parse_duration("2h").value().count(), 7200);
  EXPECT_EQ(parse_duration("30d").value().count(), 2592000);
}

TEST(Duration, RefusesAnythingElse) {
  for (const char* text :
       {"", "s", "0", "-1", "1.5h", "1 week", "31d", "721h", "18446744073709551615d", "1m", "5 5"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, IsWrittenAsItIsRead) {
  for (const char* text : {"1s", "90s", "5min", "2h", "1d"})
    EXPECT_EQ(format_duration(parse_duration(text).value()), text);
}

}  // namespace
}  // namespace lifeboat
