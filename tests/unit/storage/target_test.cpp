// SPDX-License-Identifier: GPL-2.0-or-later
// A target is let go whatever the kernel answers. No call is really made.
#include "capture/storage/target.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "src/base/sys.h"
#include "tests/support/results.h"

namespace lifeboat::capture {
namespace {

using sys::Call;
using test::why;

class UnmountTarget : public testing::Test {
 protected:
  void TearDown() override { sys::set_fault_hook({}); }
  // What unmounting and, after it, making it read-only come to.
  void answer(int unmounting, int read_only) {
    sys::set_fault_hook([this, unmounting, read_only](Call call) {
      story_.push_back(call);
      if (call == Call::umount) return unmounting;
      return call == Call::mount ? read_only : sys::kPretend;
    });
  }
  std::vector<Call> story_;
};

TEST_F(UnmountTarget, WritesBackFirst) {
  answer(sys::kPretend, EIO);
  EXPECT_TRUE(unmount_target());
  EXPECT_EQ(story_, (std::vector{Call::sync, Call::umount}));
}

TEST_F(UnmountTarget, OneThatIsNotMountedIsLetGo) {
  answer(EINVAL, EIO);
  EXPECT_TRUE(unmount_target());
}

TEST_F(UnmountTarget, OneThatStaysBusyIsMadeReadOnly) {
  answer(EBUSY, sys::kPretend);
  EXPECT_TRUE(unmount_target());
  EXPECT_EQ(story_.back(), Call::mount);
}

TEST_F(UnmountTarget, AFailureIsReported) {
  answer(EIO, EROFS);
  const auto gone = unmount_target();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().sys_errno, EIO) << why(gone);
}

}  // namespace
}  // namespace lifeboat::capture
