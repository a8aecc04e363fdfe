// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/dump_mark.h"

#include <gtest/gtest.h>

#include "src/base/file.h"
#include "tests/support/faults.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::FaultInjection;
using test::KdumpBuilder;

class DumpMarkOnDisk : public testing::Test {
 protected:
  void put(ByteSpan bytes) {
    fd_ = open_file(path(), O_RDWR | O_CREAT | O_TRUNC, 0600).value();
    ASSERT_TRUE(write_all(fd_.get(), bytes, "dump"));
  }
  [[nodiscard]] std::string path() const { return temp_.path() / "dump"; }
  [[nodiscard]] DumpMark mark() const { return read_dump_mark(fd_.get(), "dump").value(); }

  TempDir temp_ = TempDir::create("mark-test").value();
  UniqueFd fd_;
};

TEST_F(DumpMarkOnDisk, IsTheBitInTheHeader) {
  auto builder = KdumpBuilder(8).zero_page(1);
  put(builder.build());
  EXPECT_EQ(mark(), DumpMark::whole);
  builder.patch_header([](kdump::Header& header) { header.status |= kdump::kStatusIncomplete; });
  put(builder.build());
  EXPECT_EQ(mark(), DumpMark::incomplete);
}

TEST_F(DumpMarkOnDisk, IsSetAndNothingElseChanges) {
  const auto before = KdumpBuilder(8).zero_page(1).build();
  put(before);
  ASSERT_TRUE(mark_dump_incomplete(fd_.get(), "dump"));
  EXPECT_EQ(mark(), DumpMark::incomplete);
  auto after = read_file(path()).value();
  after.at(offsetof(kdump::Header, status)) &= ~std::byte{kdump::kStatusIncomplete};
  EXPECT_EQ(after, before);
}

TEST_F(DumpMarkOnDisk, IsNoPlaceInAnotherFile) {
  for (const std::string_view text : {"", "KDUMP   ", "a log of many lines"}) {
    put(as_byte_span(text));
    EXPECT_EQ(mark(), DumpMark::none) << text;
    ASSERT_TRUE(mark_dump_incomplete(fd_.get(), "dump"));
    EXPECT_EQ(read_text(path()).value(), text);
  }
}

TEST_F(DumpMarkOnDisk, ThatCannotBeReadIsAnError) {
  put(KdumpBuilder(8).zero_page(1).build());
  const FaultInjection fault(sys::Call::pread, 0, EIO);
  EXPECT_EQ(code_of(read_dump_mark(fd_.get(), "dump")), ErrorCode::io);
}

}  // namespace
}  // namespace lifeboat
