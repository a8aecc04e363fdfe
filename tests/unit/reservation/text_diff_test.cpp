// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/text_diff.h"

#include <gtest/gtest.h>

namespace lifeboat::reservation {
namespace {

TEST(UnifiedDiff, AsDiffWritesIt) {
  EXPECT_EQ(unified_diff("f", "a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(unified_diff("f", "a\nb\nc\n", "a\nx\nc\n"), "--- f\n+++ f\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
  EXPECT_EQ(unified_diff("f", std::nullopt, "a\n"), "--- /dev/null\n+++ f\n@@ -0,0 +1,1 @@\n+a\n");
  EXPECT_EQ(unified_diff("f", "a\n", std::nullopt), "--- f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n");
  EXPECT_EQ(
      unified_diff("f", "a", "b"),
      "--- f\n+++ f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n");
}

TEST(UnifiedDiff, ChangesFarApartAreHunksOfTheirOwn) {
  std::string before, after;
  for (int line = 0; line < 20; ++line) {
    before += std::to_string(line) + "\n";
    after += (line == 2 || line == 17 ? "x" : std::to_string(line)) + "\n";
  }
  const std::string diff = unified_diff("f", before, after);
  EXPECT_NE(diff.find("@@ -1,6 +1,6 @@"), std::string::npos) << diff;
  EXPECT_NE(diff.find("@@ -15,6 +15,6 @@"), std::string::npos) << diff;
}

}  // namespace
}  // namespace lifeboat::reservation
