// SPDX-License-Identifier: GPL-2.0-or-later
// What `status` shows is true at every instant of a load, whatever fails or ends there.
#include "src/arming/noted_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "loader/load_lock.h"
#include "src/arming/loaded_state.h"
#include "src/base/log.h"
#include "tests/support/crash_points.h"
#include "tests/support/fake_machine.h"
#include "tests/support/results.h"

namespace lifeboat::arming {
namespace {

using namespace std::chrono_literals;
using test::code_of;
using test::why;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NotedLoad : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([this](log::Level, std::string_view text) { logged_.emplace_back(text); });
    machine_.put("other-kernel", as_text(test::build_bzimage({.version_text = "7.0.0-other (x) #1"})));
    machine_.on_load([] { return ENOTSUP; });
  }
  void TearDown() override { log::set_sink({}); }

  // What the machine would start in a crash: a file's name; empty: nothing.
  void set_loaded(const std::string& name) const {
    // Not synced, and not by calls that a test counts: this is the machine's work.
    std::ofstream(machine_.path("really")) << name;
    std::ofstream(machine_.path("sys/kernel/kexec_crash_loaded")) << (name.empty() ? "0\n" : "1\n");
  }
  [[nodiscard]] std::string really_loaded() const { return read_text(machine_.path("really")).value_or(""); }
  // The record lies in /run, in memory; the test's folder may not.
  static int sync_is_fast(sys::Call call) { return call == sys::Call::fsync ? sys::kPretend : 0; }
  // Before a load that could lose a loaded kernel the kernel is asked whether it takes the file; that changes
  // nothing.
  [[nodiscard]] bool is_asked() const {
    return (machine_.asked().back().flags & test::FakeMachine::kOnCrash) == 0;
  }
  // The machine does what the call asks for.
  [[nodiscard]] test::Answer obeys(const std::string& now_loaded) const {
    return [this, now_loaded](sys::Call call) {
      if (call != sys::Call::kexec_file_load) return sync_is_fast(call);
      if (is_asked()) return EBADF;
      set_loaded(now_loaded);
      return sys::kPretend;
    };
  }
  // It refuses, and has then `left` loaded.
  [[nodiscard]] test::Answer refuses(const std::string& left) const {
    return [this, left](sys::Call call) {
      if (call != sys::Call::kexec_file_load) return sync_is_fast(call);
      if (is_asked()) return EBADF;
      set_loaded(left);
      return EINVAL;
    };
  }
  Result<LoadReport> load(const std::string& name) const {
    const auto kernel = read_kernel_file(machine_.path(name));
    if (!kernel) return std::unexpected(kernel.error());
    LoadRequest request = machine_.request();
    request.call = LoadCall::file;
    request.busy_deadline = 100ms;
    return load_and_note(request, *kernel, machine_.paths());
  }
  // As `status` shows it.
  [[nodiscard]] std::optional<LoadedState> shown() const {
    return loaded_now(read_system_state(machine_.paths()), machine_.paths());
  }
  void expect_truth(int nth) const {
    const auto state = shown();
    if (!state) return;  // nothing, or "its files are not known"
    EXPECT_EQ(state->kernel.path, machine_.path(really_loaded())) << nth;
    EXPECT_THAT(changed_files(*state).changed, IsEmpty()) << nth;
  }
  // `name` is loaded and noted.
  void begin_with(const std::string& name) const {
    ASSERT_TRUE(forget_loaded_state(loaded_state_file(machine_.paths().run)));
    set_loaded("");
    if (name.empty()) return;
    sys::set_fault_hook(obeys(name));
    const auto loaded = load(name);
    sys::set_fault_hook({});
    ASSERT_TRUE(loaded) << why(loaded);
    ASSERT_TRUE(shown());
  }
  // Interrupts `work` at every call, in both ways.
  void interrupt_everywhere(const std::string& before, const test::Answer& answer,
                            const std::function<void()>& work) const {
    bool more = true;
    for (int nth = 0; more; ++nth) {
      begin_with(before);
      more = test::killed_at(nth, answer, work);
      expect_truth(nth);
      begin_with(before);
      {
        const test::InterruptedCalls calls(nth, answer, [] { return EIO; });
        work();
      }
      expect_truth(nth);
      ASSERT_LT(nth, 1000);
    }
  }

  test::FakeMachine machine_;
  std::vector<std::string> logged_;
};

TEST_F(NotedLoad, IsRecorded) {
  begin_with("kernel");
  const auto state = shown();
  EXPECT_EQ(state->release, "6.12.1-test");
  EXPECT_EQ(state->call, "file");
  EXPECT_THAT(state->command_line, HasSubstr("console=ttyS0"));
  ASSERT_EQ(state->initramfs.size(), 1U);
  EXPECT_EQ(state->initramfs.front().path, machine_.path("initramfs"));
  EXPECT_EQ(state->dump_level, "") << "this one has no plan";
  EXPECT_THAT(logged_, IsEmpty());
}

TEST_F(NotedLoad, ANormalKexecLeavesTheRecordAlone) {
  begin_with("kernel");
  LoadRequest request = machine_.request();
  request.crash = false;
  const auto kernel = read_kernel_file(machine_.path("other-kernel")).value();
  sys::set_fault_hook([this](sys::Call call) {
    if (call != sys::Call::kexec_file_load) return 0;
    machine_.put_sys("kernel/kexec_loaded", "1\n");
    return sys::kPretend;
  });
  const auto loaded = load_and_note(request, kernel, machine_.paths());
  ASSERT_TRUE(loaded) << why(loaded);
  EXPECT_EQ(shown()->release, "6.12.1-test");
}

TEST_F(NotedLoad, FirstLoadIsTrueAtEveryInstant) {
  interrupt_everywhere("", obeys("kernel"), [this] { (void)load("kernel"); });
}

TEST_F(NotedLoad, AnotherLoadIsTrueAtEveryInstant) {
  interrupt_everywhere("kernel", obeys("other-kernel"), [this] { (void)load("other-kernel"); });
  begin_with("kernel");
  sys::set_fault_hook(obeys("other-kernel"));
  ASSERT_TRUE(load("other-kernel"));
  EXPECT_EQ(shown()->release, "7.0.0-other");
}

TEST_F(NotedLoad, AFailedLoadThatKeepsTheEarlierKernelKeepsItsRecord) {
  interrupt_everywhere("kernel", refuses("kernel"), [this] { (void)load("other-kernel"); });
  begin_with("kernel");
  sys::set_fault_hook(refuses("kernel"));
  EXPECT_FALSE(load("other-kernel"));
  ASSERT_TRUE(shown());
  EXPECT_EQ(shown()->release, "6.12.1-test");
}

TEST_F(NotedLoad, AFailedLoadThatDropsTheEarlierKernelDropsItsRecord) {
  interrupt_everywhere("kernel", refuses(""), [this] { (void)load("other-kernel"); });
  begin_with("kernel");
  sys::set_fault_hook(refuses(""));
  EXPECT_FALSE(load("other-kernel"));
  // Also when another program loads one later.
  set_loaded("other-kernel");
  EXPECT_FALSE(shown());
}

TEST_F(NotedLoad, UnloadingIsTrueAtEveryInstant) {
  interrupt_everywhere("kernel", obeys(""), [this] { (void)unload_and_forget(true, machine_.paths()); });
  begin_with("kernel");
  sys::set_fault_hook(obeys(""));
  ASSERT_TRUE(unload_and_forget(true, machine_.paths()));
  set_loaded("other-kernel");
  EXPECT_FALSE(shown());
}

// An unload that ends half-way, and another program's load after it.
TEST_F(NotedLoad, AnUnloadedKernelIsNeverShownForALaterOne) {
  bool more = true;
  for (int nth = 0; more; ++nth) {
    begin_with("kernel");
    more = test::killed_at(nth, obeys(""), [this] { (void)unload_and_forget(true, machine_.paths()); });
    if (!really_loaded().empty()) continue;
    set_loaded("other-kernel");
    EXPECT_FALSE(shown()) << nth;
  }
}

TEST_F(NotedLoad, AFailedUnloadKeepsTheRecord) {
  interrupt_everywhere("kernel", refuses("kernel"),
                       [this] { (void)unload_and_forget(true, machine_.paths()); });
  begin_with("kernel");
  sys::set_fault_hook(refuses("kernel"));
  EXPECT_FALSE(unload_and_forget(true, machine_.paths()));
  EXPECT_TRUE(shown());
}

TEST_F(NotedLoad, ARecordThatCannotBeWrittenIsNone) {
  begin_with("kernel");
  sys::set_fault_hook([this](sys::Call call) {
    if (call == sys::Call::rename) return ENOSPC;
    return obeys("other-kernel")(call);
  });
  EXPECT_TRUE(load("other-kernel")) << "the kernel is loaded";
  sys::set_fault_hook({});
  EXPECT_EQ(really_loaded(), "other-kernel");
  EXPECT_FALSE(shown());
  EXPECT_THAT(logged_, ElementsAre(HasSubstr("cannot record what is loaded")));
}

TEST_F(NotedLoad, ARecordThatCannotBeRemovedPreventsTheLoad) {
  for (const int error_number : {EIO, EACCES}) {
    begin_with("kernel");
    int calls = 0;
    sys::set_fault_hook([&](sys::Call call) {
      calls += call == sys::Call::kexec_file_load ? 1 : 0;
      return call == sys::Call::unlink ? error_number : obeys("other-kernel")(call);
    });
    EXPECT_FALSE(load("other-kernel")) << error_number;
    sys::set_fault_hook({});
    EXPECT_EQ(calls, 0) << error_number;
    EXPECT_EQ(shown()->release, "6.12.1-test") << error_number;
  }
}

TEST_F(NotedLoad, WithoutThePrivilegeTheErrorNamesWhatIsMissing) {
  begin_with("kernel");
  machine_.put_proc("self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
  sys::set_fault_hook([](sys::Call call) { return call == sys::Call::unlink ? EACCES : 0; });
  const auto loaded = load("other-kernel");
  sys::set_fault_hook({});
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().to_string(), HasSubstr("CAP_SYS_BOOT"));
  EXPECT_TRUE(shown());
}

// Else the first one would record its kernel when the second one's is loaded.
TEST_F(NotedLoad, TakesTurns) {
  begin_with("kernel");
  const auto lock = lock_loads(machine_.paths(), 0ms);
  ASSERT_TRUE(lock) << why(lock);
  int calls = 0;
  sys::set_fault_hook([&](sys::Call call) {
    calls += call == sys::Call::kexec_file_load ? 1 : 0;
    return 0;
  });
  EXPECT_EQ(code_of(load("other-kernel")), ErrorCode::busy);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(shown()->release, "6.12.1-test");
}

}  // namespace
}  // namespace lifeboat::arming
