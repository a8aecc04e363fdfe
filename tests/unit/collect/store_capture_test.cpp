// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/store_capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "src/base/file.h"
#include "src/base/log.h"
#include "tests/support/fake_system.h"
#include "tests/support/results.h"

namespace lifeboat::collect {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::why;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class StoreCaptures : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([this](log::Level, std::string_view text) { logged_.emplace_back(text); });
    test::FakeSystem().fake.write_elf(path("vmcore"));
    capture_.source = path("vmcore");
    capture_.run = path("run");
    config_.targets = {{.path = path("configured")}};
    config_.capture.report = false;
    config_.final.action = FinalAction::halt;
    config_.failure.action = FinalAction::poweroff;
  }
  void TearDown() override { log::set_sink({}); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  [[nodiscard]] bool saved_in(const std::string& store) const {
    return fs::exists(path(store)) && !fs::is_empty(path(store));
  }

  TempDir folder_ = TempDir::create("store-capture-test").value();
  StoreCapture capture_;
  config::Config config_;
  std::vector<std::string> logged_;
};

TEST_F(StoreCaptures, GoToTheConfiguredTargets) {
  const auto end = capture_on_working_system(capture_, config_);
  ASSERT_TRUE(end) << why(end);
  EXPECT_EQ(end->outcome, DumpOutcome::whole);
  EXPECT_TRUE(saved_in("configured"));
}

TEST_F(StoreCaptures, GoToTheFolderInstead) {
  capture_.folder = path("instead");
  const auto end = capture_on_working_system(capture_, config_);
  ASSERT_TRUE(end) << why(end);
  EXPECT_TRUE(saved_in("instead"));
  EXPECT_FALSE(saved_in("configured"));
}

TEST_F(StoreCaptures, TheRequestHasTheSettingsThatWereGivenInstead) {
  config_.dump.level = {17};
  config_.capture.deadline = std::chrono::minutes(7);
  const auto configured = system_capture_of(capture_, config_);
  ASSERT_TRUE(configured) << why(configured);
  EXPECT_EQ(configured->source, capture_.source);
  EXPECT_THAT(configured->plan.dump.level, ElementsAre(17));
  capture_.level = "31,1";
  capture_.compression = "lzo";
  const auto given = system_capture_of(capture_, config_);
  ASSERT_TRUE(given) << why(given);
  EXPECT_THAT(given->plan.dump.level, ElementsAre(31, 1));
  EXPECT_EQ(given->plan.dump.compression.compression, Compression::lzo);
  EXPECT_EQ(given->plan.capture.deadline, std::chrono::minutes(7)) << "all others are as configured";
}

TEST_F(StoreCaptures, RejectSettingsThatAreNone) {
  capture_.level = "";
  EXPECT_FALSE(system_capture_of(capture_, config_));
  capture_.level.reset();
  capture_.compression = "rar";
  EXPECT_FALSE(system_capture_of(capture_, config_));
  EXPECT_FALSE(capture_on_working_system(capture_, config_));
  EXPECT_FALSE(fs::exists(path("configured")));
}

// Each when its turn comes: the system may be mounting it right now.
TEST_F(StoreCaptures, LookForAMountWhenItsTurnComes) {
  config_.targets = {{.path = "/crash", .device = "UUID=a"}, {.path = "/crash", .device = "UUID=b"}};
  std::vector<std::string> asked;
  capture_.mounted_folder = [&asked](const std::string& device,
                                     const std::string& folder) -> Result<std::optional<std::string>> {
    asked.push_back(device);
    if (device == "UUID=a") return std::nullopt;
    return "/mnt" + folder;
  };
  const auto request = system_capture_of(capture_, config_);
  ASSERT_TRUE(request) << why(request);
  EXPECT_TRUE(asked.empty());
  ASSERT_EQ(request->folders.size(), 2U);
  const auto first = request->folders[0]();
  EXPECT_EQ(code_of(first), ErrorCode::not_found);
  EXPECT_THAT(first.error().message, HasSubstr("UUID=a is not mounted"));
  EXPECT_THAT(first.error().fix, HasSubstr("/etc/fstab"));
  EXPECT_EQ(request->folders[1]().value(), "/mnt/crash");
  EXPECT_THAT(asked, ElementsAre("UUID=a", "UUID=b"));
}

TEST_F(StoreCaptures, OfAWrongSourceCreateNothingOnAWorkingSystem) {
  capture_.source = path("nothing");
  EXPECT_EQ(code_of(capture_on_working_system(capture_, config_)), ErrorCode::not_found);
  ASSERT_TRUE(write_file_atomically(path("text"), as_byte_span("no dump"), 0600));
  capture_.source = path("text");
  EXPECT_FALSE(capture_on_working_system(capture_, config_));
  EXPECT_FALSE(fs::exists(path("configured")));
  EXPECT_FALSE(fs::exists(path("run")));
}

TEST_F(StoreCaptures, NeedAConfigurationThatCanBeReadOnAWorkingSystem) {
  const auto end = capture_on_working_system(capture_, fail(ErrorCode::corrupt, "lifeboat.conf:3: nonsense"));
  EXPECT_EQ(code_of(end), ErrorCode::corrupt);
  EXPECT_FALSE(fs::exists(path("run")));
}

TEST_F(StoreCaptures, EndWithTheFinalActionInACaptureKernel) {
  EXPECT_EQ(capture_in_capture_kernel(capture_, config_), FinalAction::halt);
  EXPECT_TRUE(saved_in("configured"));
}

TEST_F(StoreCaptures, GoOnWithTheDefaultsInACaptureKernel) {
  capture_.folder = path("instead");
  const auto action =
      capture_in_capture_kernel(capture_, fail(ErrorCode::corrupt, "lifeboat.conf:3: nonsense"));
  EXPECT_EQ(action, Settings{}.final.action);
  EXPECT_TRUE(saved_in("instead"));
  EXPECT_THAT(logged_, Contains(HasSubstr("lifeboat.conf:3: nonsense")));
}

// There is no operator: the machine must come back, and the reason must be in the log.
TEST_F(StoreCaptures, EndWithTheFailureActionWhenNothingCanBeSaved) {
  capture_.level = "32";
  EXPECT_EQ(capture_in_capture_kernel(capture_, config_), FinalAction::poweroff);
  EXPECT_THAT(logged_, Contains(HasSubstr("'32' is not a dump level")));
  EXPECT_FALSE(saved_in("configured"));
  capture_.level.reset();
  config_.targets = {{.path = "/crash", .device = "UUID=a"}};
  capture_.mounted_folder = [](const std::string&, const std::string&) -> Result<std::optional<std::string>> {
    return std::nullopt;
  };
  EXPECT_EQ(capture_in_capture_kernel(capture_, config_), FinalAction::poweroff);
}

TEST_F(StoreCaptures, TakeAnActionInACaptureKernelOnly) {
  const std::string vmcore = path("vmcore");
  EXPECT_TRUE(check_source_of_capture_kernel(vmcore, vmcore));
  EXPECT_EQ(code_of(check_source_of_capture_kernel(path("other"), vmcore)), ErrorCode::usage);
  EXPECT_EQ(code_of(check_source_of_capture_kernel(path("none"), path("none"))), ErrorCode::usage);
}

}  // namespace
}  // namespace lifeboat::collect
