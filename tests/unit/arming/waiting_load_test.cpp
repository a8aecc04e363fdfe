// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/waiting_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "src/arming/loaded_state.h"
#include "src/base/log.h"
#include "tests/support/fake_machine.h"
#include "tests/support/notify_socket.h"
#include "tests/support/results.h"

namespace lifeboat::arming {
namespace {

using namespace std::chrono_literals;
using test::why;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// A machine with two targets; the initramfs names those whose disk is there.
class WaitingLoading : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
    let_it_load();
  }
  void TearDown() override { log::set_sink({}); }

  void let_it_load() {
    machine_.behave([] { return 0; });
  }
  // Not counted: whether the kernel takes the file, which it is asked before a load that could lose a loaded
  // one.
  [[nodiscard]] auto loads() const {
    return std::ranges::count_if(machine_.asked(), [](const sys::KexecFileArguments& asked) {
      return (asked.flags & test::FakeMachine::kOnCrash) != 0;
    });
  }
  [[nodiscard]] std::string device(const std::string& name) const { return machine_.path(name); }
  void plug(const std::string& name) const { machine_.put(name, "a disk"); }
  void unplug(const std::string& name) const { machine_.remove(name); }
  [[nodiscard]] bool plugged(const std::string& name) const { return std::filesystem::exists(device(name)); }

  Result<PreparedLoad> prepare() {
    ++prepared_;
    if (on_prepare_) TRY_VOID(on_prepare_(prepared_));
    std::string contents = "070701 the targets";
    for (const char* name : {"sda", "sdb"})
      if (plugged(name)) contents += fmt::format(" {}", name);
    if (read_text(machine_.path("initramfs")).value_or("") != contents) machine_.put("initramfs", contents);
    PreparedLoad load{
        .kernel = TRY(read_kernel_file(machine_.path("kernel"))), .request = machine_.request(), .notes = {}};
    load.request.call = LoadCall::file;
    return load;
  }
  Result<Loaded> load(std::chrono::seconds max_wait = 30s) {
    return load_and_wait_for_devices({.prepare = [this] { return prepare(); },
                                      .targets = {{.path = "/a", .device = device("sda")},
                                                  {.path = "/b", .device = device("sdb")},
                                                  {.path = "/var/crash/lifeboat"}},
                                      .max_wait = max_wait,
                                      .paths = machine_.paths()});
  }
  [[nodiscard]] std::optional<LoadedState> shown() const {
    return loaded_now(read_system_state(machine_.paths()), machine_.paths());
  }
  // The loaded initramfs is the one on the disk now.
  void expect_loaded_now() const {
    ASSERT_TRUE(shown());
    EXPECT_THAT(changed_files(*shown()).changed, IsEmpty());
  }

  test::FakeMachine machine_;
  test::NotifySocket manager_;
  std::function<Result<>(int)> on_prepare_;
  int prepared_ = 0;
};

TEST_F(WaitingLoading, NothingIsWaitedForWhenAllIsThere) {
  plug("sda");
  plug("sdb");
  const auto loaded = load();
  ASSERT_TRUE(loaded) << why(loaded);
  EXPECT_EQ(loads(), 1);
  EXPECT_THAT(manager_.messages(), ElementsAre("READY=1\nSTATUS=armed with 6.12.1-test"));
  expect_loaded_now();
}

TEST_F(WaitingLoading, ADiskThatNeverAppearsDoesNotPreventTheLoad) {
  plug("sda");
  const auto begin = std::chrono::steady_clock::now();
  const auto loaded = load(1s);
  ASSERT_TRUE(loaded) << why(loaded);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_EQ(loads(), 1);
  EXPECT_THAT(manager_.messages(),
              ElementsAre(AllOf(StartsWith("READY=1\nSTATUS=armed with 6.12.1-test; waiting for "),
                                HasSubstr(device("sdb")), Not(HasSubstr(device("sda")))),
                          "READY=1\nSTATUS=armed with 6.12.1-test"));
}

TEST_F(WaitingLoading, WithoutAWaitNothingIsWaitedFor) {
  EXPECT_TRUE(load(0s));
  EXPECT_THAT(manager_.messages(), ElementsAre("READY=1\nSTATUS=armed with 6.12.1-test"));
}

TEST_F(WaitingLoading, ALateDiskIsInTheNextLoad) {
  plug("sda");
  std::jthread late([this] {
    std::this_thread::sleep_for(300ms);
    plug("sdb");
  });
  const auto loaded = load();
  ASSERT_TRUE(loaded) << why(loaded);
  EXPECT_EQ(loads(), 2);
  expect_loaded_now();
  EXPECT_THAT(read_text(machine_.path("initramfs")).value(), HasSubstr("sda sdb"));
  EXPECT_THAT(manager_.messages(),
              ElementsAre(HasSubstr("waiting"), "READY=1\nSTATUS=armed with 6.12.1-test"));
}

// Between the search for missing disks and the load that they are for.
TEST_F(WaitingLoading, ADiskThatAppearsDuringTheLoadIsNoticed) {
  plug("sda");
  machine_.behave([this] {
    plug("sdb");
    return 0;
  });
  EXPECT_TRUE(load());
  EXPECT_EQ(loads(), 2);
  expect_loaded_now();
}

TEST_F(WaitingLoading, EachDiskThatAppearsIsLoadedAlsoOneThatCameTwice) {
  // 1: none. 2: for a, which goes again at once. 3: for b. 4: for a, again.
  on_prepare_ = [this](int nth) -> Result<> {
    if (nth == 2) unplug("sda");
    return {};
  };
  std::jthread disks([this] {
    std::this_thread::sleep_for(200ms);
    plug("sda");
    std::this_thread::sleep_for(1200ms);
    plug("sdb");
    std::this_thread::sleep_for(1200ms);
    plug("sda");
  });
  EXPECT_TRUE(load());
  disks.join();
  expect_loaded_now();
  EXPECT_THAT(read_text(machine_.path("initramfs")).value(), HasSubstr("sda sdb"));
  EXPECT_EQ(prepared_, 4);
}

TEST_F(WaitingLoading, TheSameInitramfsIsNotLoadedAgain) {
  plug("sda");
  machine_.put("initramfs", "070701 the targets sda");
  on_prepare_ = [this](int nth) -> Result<> {
    // As if the new disk's target could not be used.
    if (nth == 2) unplug("sdb");
    return {};
  };
  std::jthread late([this] {
    std::this_thread::sleep_for(300ms);
    plug("sdb");
    std::this_thread::sleep_for(1s);
  });
  const auto loaded = load();
  ASSERT_TRUE(loaded) << why(loaded);
  EXPECT_EQ(prepared_, 2);
  EXPECT_EQ(loads(), 1);
}

TEST_F(WaitingLoading, WhatAnOperatorUnloadedStaysUnloaded) {
  plug("sda");
  on_prepare_ = [this](int nth) -> Result<> {
    if (nth == 2) machine_.put_sys("kernel/kexec_crash_loaded", "0\n");
    return {};
  };
  std::jthread late([this] {
    std::this_thread::sleep_for(300ms);
    plug("sdb");
  });
  EXPECT_TRUE(load());
  EXPECT_EQ(prepared_, 2);
  EXPECT_EQ(loads(), 1);
}

// No target can be found before the disk is there.
TEST_F(WaitingLoading, ALoadThatFailedIsTriedAgainWithEachDisk) {
  plug("sda");
  on_prepare_ = [this](int) -> Result<> {
    if (!plugged("sdb")) return fail(ErrorCode::not_found, "no target\nwas found");
    return {};
  };
  std::jthread late([this] {
    std::this_thread::sleep_for(300ms);
    plug("sdb");
  });
  const auto loaded = load();
  ASSERT_TRUE(loaded) << why(loaded);
  EXPECT_EQ(loads(), 1);
  EXPECT_THAT(manager_.messages(),
              ElementsAre(StartsWith("STATUS=not armed: no target was found; waiting for "),
                          "READY=1\nSTATUS=armed with 6.12.1-test"));
}

TEST_F(WaitingLoading, ALoadThatFailsForGoodIsAnErrorAndNeverReady) {
  plug("sda");
  machine_.on_load([] { return EIO; });
  std::jthread late([this] {
    std::this_thread::sleep_for(300ms);
    plug("sdb");
  });
  EXPECT_FALSE(load());
  EXPECT_EQ(loads(), 2) << "once for each chance";
  EXPECT_FALSE(shown());
  EXPECT_THAT(manager_.messages(), ElementsAre(StartsWith("STATUS=not armed: ")));
}

TEST_F(WaitingLoading, AfterAFailedSecondLoadTheFirstIsStillReported) {
  on_prepare_ = [](int nth) -> Result<> {
    if (nth == 2) return fail(ErrorCode::corrupt, "the configuration is broken");
    return {};
  };
  std::jthread late([this] {
    std::this_thread::sleep_for(300ms);
    plug("sda");
  });
  const auto loaded = load(6s);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().to_string(), HasSubstr("the configuration is broken"));
  expect_loaded_now();
  EXPECT_THAT(manager_.messages(),
              ElementsAre(StartsWith("READY=1\nSTATUS=armed with 6.12.1-test; waiting"),
                          AllOf(StartsWith("STATUS=armed by an earlier load, the last one failed: "),
                                HasSubstr("waiting for " + device("sdb")))));
}

TEST_F(WaitingLoading, ASignalWhileItWaitsLeavesTheLoadedKernelRecorded) {
  const pid_t child = ::fork();
  if (child == 0) {
    (void)load(60s);
    ::_exit(0);
  }
  std::vector<std::string> messages;
  for (int tries = 0; messages.empty() && tries < 100; ++tries) {
    std::this_thread::sleep_for(100ms);
    messages = manager_.messages();
  }
  EXPECT_THAT(messages, ElementsAre(StartsWith("READY=1\n")));
  ::kill(child, SIGTERM);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  expect_loaded_now();
}

TEST_F(WaitingLoading, ANormalKexecReportsNothing) {
  machine_.on_load([this] {
    machine_.put_sys("kernel/kexec_loaded", "1\n");
    return sys::kPretend;
  });
  const auto loaded = load_and_wait_for_devices({.prepare = [this]() -> Result<PreparedLoad> {
                                                   PreparedLoad load = TRY(prepare());
                                                   load.request.crash = false;
                                                   return load;
                                                 },
                                                 .targets = {},
                                                 .paths = machine_.paths()});
  EXPECT_TRUE(loaded) << why(loaded);
  EXPECT_THAT(manager_.messages(), IsEmpty());
}

}  // namespace
}  // namespace lifeboat::arming
