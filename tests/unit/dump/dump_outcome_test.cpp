// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/dump_outcome.h"

#include <gtest/gtest.h>

namespace lifeboat {
namespace {

TEST(DumpOutcome, IsWholeOnlyWhenEveryAnnouncedPageWasRead) {
  EXPECT_EQ(outcome_of({.announced = 600, .added = 600, .lost = 0}), DumpOutcome::whole);
  EXPECT_EQ(outcome_of({}), DumpOutcome::whole) << "nothing was to be saved";
  EXPECT_EQ(outcome_of({.announced = 600, .added = 600, .lost = 1}), DumpOutcome::incomplete);
}

TEST(DumpOutcome, HasFailedWithFewerPagesThanAnnounced) {
  for (const uint64_t added : {0, 1, 599, 601})
    EXPECT_EQ(outcome_of({.announced = 600, .added = added, .lost = 0}), DumpOutcome::failed) << added;
  EXPECT_EQ(outcome_of({.announced = 2, .added = 2, .lost = 3}), DumpOutcome::failed) << "impossible counts";
}

TEST(DumpOutcome, HasFailedWhenLessThanATenthCouldBeRead) {
  EXPECT_EQ(outcome_of({.announced = 600, .added = 600, .lost = 540}), DumpOutcome::incomplete);
  EXPECT_EQ(outcome_of({.announced = 600, .added = 600, .lost = 541}), DumpOutcome::failed);
  EXPECT_EQ(outcome_of({.announced = 600, .added = 600, .lost = 600}), DumpOutcome::failed);
  EXPECT_EQ(outcome_of({.announced = 2, .added = 2, .lost = 1}), DumpOutcome::incomplete);
  EXPECT_EQ(outcome_of({.announced = 1, .added = 1, .lost = 1}), DumpOutcome::failed);
}

TEST(DumpOutcome, EndsTheCaptureUnlessItFailed) {
  EXPECT_TRUE(ends_capture(DumpOutcome::whole));
  EXPECT_TRUE(ends_capture(DumpOutcome::incomplete));
  EXPECT_TRUE(ends_capture(DumpOutcome::log_only));
  EXPECT_FALSE(ends_capture(DumpOutcome::failed));
}

TEST(DumpOutcome, NamesReadBack) {
  for (const auto outcome :
       {DumpOutcome::whole, DumpOutcome::incomplete, DumpOutcome::log_only, DumpOutcome::failed})
    EXPECT_EQ(parse_dump_outcome(outcome_name(outcome)), outcome);
  EXPECT_FALSE(parse_dump_outcome("fine"));
  EXPECT_FALSE(parse_dump_outcome(""));
}

}  // namespace
}  // namespace lifeboat
