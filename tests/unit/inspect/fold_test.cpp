// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/fold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/inspect/report_text.h"

namespace lifeboat::inspect {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<NamedFrame> frames_of(std::string_view letters) {
  std::vector<NamedFrame> frames;
  for (const char letter : letters) {
    NamedFrame frame;
    frame.frame.address = static_cast<unsigned char>(letter);
    frame.symbol = std::string(1, letter);
    frame.named = true;
    frames.push_back(std::move(frame));
  }
  return frames;
}

// "2x3" for two frames that come three times.
std::string folds_of(std::string_view letters) {
  std::string text;
  size_t next = 0;
  for (const auto& fold : fold_recursion(frames_of(letters))) {
    EXPECT_EQ(fold.first, next) << letters;
    next += fold.length * fold.times;
    text += fmt::format("{}x{} ", fold.length, fold.times);
  }
  EXPECT_EQ(next, letters.size());
  return text;
}

TEST(Fold, FindsTheShortestCycle) {
  EXPECT_EQ(folds_of(""), "");
  EXPECT_EQ(folds_of("abc"), "1x1 1x1 1x1 ");
  EXPECT_EQ(folds_of("aab"), "1x1 1x1 1x1 ");
  EXPECT_EQ(folds_of("aaaab"), "1x4 1x1 ");
  EXPECT_EQ(folds_of("xabababy"), "1x1 2x3 1x1 ");
  EXPECT_EQ(folds_of("abababa"), "2x3 1x1 ");
  EXPECT_EQ(folds_of("aaabaaabaaab"), "1x3 1x1 1x3 1x1 1x3 1x1 ");
}

TEST(Fold, IsShownInTheText) {
  const auto frames = frames_of("abababy");
  const std::string text = frames_text(frames, 16, Style(false), Recursion::folded);
  EXPECT_THAT(text, HasSubstr("#0  a\n  #1  b\n  ... and 2 times more of these 2\n  #6  y\n"));
  EXPECT_THAT(frames_text(frames, 16, Style(false)), Not(HasSubstr("times")));
  EXPECT_THAT(frames_text(frames, 3, Style(false)), HasSubstr("... 4 more frames"));
  EXPECT_THAT(frames_text(frames_of("aaaaaaay"), 1, Style(false), Recursion::folded),
              HasSubstr("... and 6 times more of the same\n  ... 1 more frame "));
}

}  // namespace
}  // namespace lifeboat::inspect
