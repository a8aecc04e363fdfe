// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/store/missing_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/plan/capture_plan.h"
#include "src/base/file.h"
#include "src/store/crash_record.h"
#include "tests/support/whole_dump.h"

namespace lifeboat {
namespace {

using testing::HasSubstr;

class MissingDump : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name = "") const { return folder_.path() / name; }
  void put(const std::string& name, std::string_view text) const {
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0600));
  }
  TempDir folder_ = TempDir::create("missing-dump-test").value();
};

TEST_F(MissingDump, OfACrashWithoutOneIsExplained) {
  put(kLogFile, "log");
  put(kCrashRecordFile, to_json_text({.dump = DumpOutcome::log_only}));
  for (const auto& name : {path(), path(kDumpFile), path("vmcore.incomplete")}) {
    const auto why = why_no_dump(name);
    ASSERT_TRUE(why) << name;
    EXPECT_EQ(why->code, ErrorCode::not_found);
    EXPECT_THAT(why->message, HasSubstr("log only, as configured"));
    EXPECT_THAT(why->fix, HasSubstr(kLogFile));
  }
  EXPECT_FALSE(why_no_dump(path(kLogFile))) << "a file that is there";
}

TEST_F(MissingDump, OfACrashOfWhichNothingIsLeft) {
  put(kCrashRecordFile, to_json_text({.dump = DumpOutcome::failed}));
  EXPECT_THAT(why_no_dump(path())->fix, HasSubstr(kCaptureLogFile));
}

TEST_F(MissingDump, ElsewhereIsNotItsBusiness) {
  EXPECT_FALSE(why_no_dump(path())) << "no crash's folder";
  EXPECT_FALSE(why_no_dump(path("none/vmcore")));
  put(kCrashRecordFile, "{");
  EXPECT_FALSE(why_no_dump(path()));
  put(kCrashRecordFile, to_json_text({}));
  put(kDumpFile, test::whole_dump());
  EXPECT_FALSE(why_no_dump(path())) << "it has a dump";
}

}  // namespace
}  // namespace lifeboat
