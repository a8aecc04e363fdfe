// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/recording_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/dump/byte_source.h"
#include "tests/support/elf_builder.h"
#include "tests/support/pages.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Recording : public testing::Test {
 protected:
  bool read(uint64_t address, size_t size) {
    std::vector<std::byte> out(size);
    return dump_.read(address, out).has_value();
  }
  std::unique_ptr<PageRecord> record_ = std::make_unique<PageRecord>();
  RecordingDump dump_{
      Dump::open(
          memory_byte_source(test::ElfBuilder().load(0x10000, test::patterned_pages(1, 20)).build(), "x"))
          .value(),
      *record_};
};

TEST_F(Recording, EachPageIsNotedOnceInTheOrderOfReading) {
  EXPECT_TRUE(read(0x12ff8, 8));
  EXPECT_TRUE(read(0x10000, 1));
  EXPECT_TRUE(read(0x12ffc, 8)) << "into the next page";
  EXPECT_TRUE(read(0x10000, 0));
  EXPECT_THAT(record_->checked(UINT64_MAX), ElementsAre(0x12, 0x10, 0x13));
  EXPECT_EQ(record_->overflow, 0u);
}

TEST_F(Recording, WhatCannotBeReadIsNotNoted) {
  EXPECT_FALSE(read(0x1000, 8));
  EXPECT_THAT(record_->checked(UINT64_MAX), IsEmpty());
}

TEST_F(Recording, MoreThanThereIsSpaceForIsSaid) {
  record_->count = PageRecord::kMostPages;
  EXPECT_TRUE(read(0x10000, 8));
  EXPECT_EQ(record_->overflow, 1u);
}

// The process that wrote it had read a hostile dump.
TEST(PageRecord, NothingElseIsBelieved) {
  const auto record = std::make_unique<PageRecord>();
  record->count = UINT64_MAX;
  record->pages[0] = 5;
  record->pages[1] = 5;
  record->pages[2] = 100;
  EXPECT_THAT(record->checked(100), ElementsAre(5, 0)) << "the rest is zeros";
}

}  // namespace
}  // namespace lifeboat
