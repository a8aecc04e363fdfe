// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/store/crash_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "capture/plan/capture_plan.h"
#include "src/base/sys.h"
#include "tests/support/whole_dump.h"

namespace lifeboat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CrashList : public testing::Test {
 protected:
  CrashList() {
    for (const char* name : {"20261122T084228Z", "20261123T084228Z"}) {
      std::filesystem::create_directory(path(name));
      EXPECT_TRUE(
          write_file_atomically(path(name) + "/" + kDumpFile, as_byte_span(test::whole_dump()), 0600));
    }
    fd_ = open_file(folder_.path(), O_RDONLY | O_DIRECTORY).value();
  }
  void TearDown() override { sys::set_fault_hook({}); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }

  TempDir folder_ = TempDir::create("crash-list-test").value();
  UniqueFd fd_;
  std::vector<std::string> problems_;
};

TEST_F(CrashList, AFolderOfSomebodyElseIsNoCrash) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  ASSERT_EQ(::chown(path("20261123T084228Z").c_str(), 65534, 65534), 0);
  const auto crashes = list_crashes(fd_.get(), &problems_);
  ASSERT_TRUE(crashes);
  ASSERT_THAT(*crashes, SizeIs(1));
  EXPECT_EQ((*crashes)[0].name, "20261122T084228Z");
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("20261123T084228Z belongs to user 65534")));
}

TEST_F(CrashList, OneThatCannotBeReadIsReportedAndTheOthersAreListed) {
  int opened = 0;
  // The first is the store itself.
  sys::set_fault_hook([&](sys::Call call) { return call == sys::Call::open && opened++ == 1 ? EIO : 0; });
  const auto crashes = list_crashes(fd_.get(), &problems_);
  ASSERT_TRUE(crashes);
  EXPECT_THAT(*crashes, SizeIs(1));
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("Input/output error")));
}

TEST_F(CrashList, WhatIsNoFolderIsNoProblem) {
  std::filesystem::create_symlink(path("20261123T084228Z"), path("20261124T084228Z"));
  EXPECT_TRUE(write_file_atomically(path("20261125T084228Z"), as_byte_span("file"), 0600));
  EXPECT_THAT(list_crashes(fd_.get(), &problems_).value(), SizeIs(2));
  EXPECT_THAT(problems_, IsEmpty());
}

}  // namespace
}  // namespace lifeboat
