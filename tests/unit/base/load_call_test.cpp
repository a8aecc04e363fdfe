// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/load_call.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/base/kexec_observer.h"
#include "src/base/sys.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

TEST(LoadCall, NamesAreReadBack) {
  for (const auto call : {LoadCall::automatic, LoadCall::file, LoadCall::segments})
    EXPECT_EQ(parse_load_call(load_call_name(call)).value(), call);
  for (const char* wrong : {"", "kexec", "File", "auto ", "segment"}) {
    const auto parsed = parse_load_call(wrong);
    EXPECT_EQ(test::code_of(parsed), ErrorCode::usage) << wrong;
    EXPECT_FALSE(parsed.error().fix.empty());
  }
}

TEST(KexecObserver, SeesTheArgumentsBeforeTheAnswer) {
  std::vector<sys::KexecFileArguments> seen;
  sys::set_kexec_file_observer([&](const sys::KexecFileArguments& arguments) { seen.push_back(arguments); });
  sys::set_fault_hook([&](sys::Call) { return seen.empty() ? 0 : ENODATA; });
  EXPECT_EQ(sys::kexec_file_load(7, -1, 2, "a", 5), -1);
  EXPECT_EQ(errno, ENODATA);
  EXPECT_EQ(sys::kexec_file_load(7, 8, 0, nullptr, 0), -1);
  sys::set_fault_hook({});
  sys::set_kexec_file_observer({});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].kernel_fd, 7);
  EXPECT_EQ(seen[0].initrd_fd, -1);
  EXPECT_EQ(seen[0].command_line, "a");
  EXPECT_EQ(seen[0].flags, 5U);
  EXPECT_EQ(seen[1].command_line, "");
}

}  // namespace
}  // namespace lifeboat
