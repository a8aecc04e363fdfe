// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/file_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/file.h"
#include "src/base/size.h"
#include "tests/support/faults.h"
#include "tests/support/results.h"

namespace lifeboat::reservation {
namespace {

using test::FaultInjection;
using ::testing::HasSubstr;

class FileEdits : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& edit : edits_) ASSERT_TRUE(write_file_atomically(edit.path, as_byte_span("old"), 0644));
  }
  [[nodiscard]] std::string text_of(size_t at) const {
    return read_text(edits_[at].path, 1_KiB).value_or("none");
  }

  TempDir folder_ = TempDir::create("file-edit-test").value();
  std::vector<FileEdit> edits_ = {{.path = folder_.path() / "first", .before = "old", .after = "new"},
                                  {.path = folder_.path() / "second", .before = "old", .after = "new"}};
};

TEST_F(FileEdits, AreUndoneWhenOneOfThemFails) {
  {
    const FaultInjection second_rename(sys::Call::rename, 1, ENOSPC);
    EXPECT_EQ(test::code_of(make_edits(edits_)), ErrorCode::no_space);
    EXPECT_TRUE(second_rename.fired());
  }
  EXPECT_EQ(text_of(0), "old");
  EXPECT_EQ(text_of(1), "old");
}

// The operator must know that the first file still has what was to be undone.
TEST_F(FileEdits, ThatCannotBeUndoneAreNamedToo) {
  const FaultInjection all_but_the_first(sys::Call::rename, 1, ENOSPC, FaultInjection::Duration::for_good);
  const auto made = make_edits(edits_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::no_space);
  EXPECT_THAT(made.error().reason(), HasSubstr(edits_[0].path));
  EXPECT_THAT(made.error().reason(), HasSubstr(edits_[1].path));
  EXPECT_EQ(text_of(0), "new");
}

}  // namespace
}  // namespace lifeboat::reservation
