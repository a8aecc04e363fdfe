// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace lifeboat::log {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class Log : public ::testing::Test {
 protected:
  void SetUp() override {
    set_sink([this](Level level, std::string_view text) { seen_.emplace_back(level, text); });
  }
  void TearDown() override {
    set_sink(nullptr);
    set_level(Level::info);
  }
  std::vector<std::pair<Level, std::string>> seen_;
};

TEST_F(Log, HandsOverEachMessageWithItsLevel) {
  info("{} pages", 3);
  warning("slow");
  error("lost");
  EXPECT_THAT(seen_, ElementsAre(Pair(Level::info, "3 pages"), Pair(Level::warning, "slow"),
                                 Pair(Level::error, "lost")));
}

TEST_F(Log, DropsWhatIsBelowTheLevel) {
  debug("detail");
  set_level(Level::error);
  warning("slow");
  EXPECT_THAT(seen_, ElementsAre());
}

// The sink has no lock of its own: it is called by one thread at a time. ThreadSanitizer looks on.
TEST_F(Log, TakesMessagesOfSeveralThreads) {
  constexpr int kThreads = 4, kMessages = 200;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([thread] {
        for (int at = 0; at < kMessages; ++at) info("thread {} message {}", thread, at);
      });
    }
  }
  EXPECT_EQ(seen_.size(), size_t{kThreads} * kMessages);
}

}  // namespace
}  // namespace lifeboat::log
