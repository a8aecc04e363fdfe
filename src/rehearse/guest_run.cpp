// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/guest_run.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "capture/plan/capture_plan.h"
#include "src/base/file.h"
#include "src/rehearse/guest/guest_plan.h"
#include "src/rehearse/guest_console.h"

namespace lifeboat::rehearse {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPollInterval{20};
constexpr size_t kTailLines = 15;

// Follows one guest's consoles and decides when, and how, it has ended.
class Watcher {
 public:
  Watcher(const VirtualMachine& machine, const GuestLimits& limits, const PhaseListener& listener)
      : guest_(machine.guest_console),
        capture_(machine.capture_console),
        limits_(limits),
        listener_(listener) {}

  // Reads the new output of the consoles. A phase is reached once: a capture kernel that could save nothing
  // prints the crashed kernel's log, with its marks; and a kernel may print on its consoles what
  // lifeboat-init writes to its log ("debug", "ignore_loglevel").
  void listen() {
    for (Console* console : {&guest_, &capture_}) {
      for (const auto& line : console->new_lines()) {
        last_ = Clock::now();  // progress
        const auto name = phase_in(line);
        if (name && !reached(*name)) reach(*name);
      }
    }
  }

  // Set once the guest has reported a failure, or a limit has passed.
  [[nodiscard]] std::optional<GuestEnd> verdict() const {
    if (reached(guest_phase::kGuestFailed)) return GuestEnd::failed;
    const auto now = Clock::now();
    if (now - started_ > limits_.total) return GuestEnd::out_of_time;
    const bool booting = run_.phases.empty() || run_.phases.back().name == guest_phase::kGuestPanic;
    if (now - last_ <= (booting ? limits_.boot : limits_.phase)) return std::nullopt;
    return booting ? end_of_boot() : GuestEnd::out_of_time;
  }

  // QEMU has ended by itself.
  [[nodiscard]] GuestEnd end_by_itself() const {
    if (reached(phase::kCaptureEnd)) return GuestEnd::powered_off;
    if (run_.phases.empty() || run_.phases.back().name == guest_phase::kGuestPanic) return end_of_boot();
    return GuestEnd::failed;
  }

  GuestRun finish(GuestEnd end) {
    run_.end = end;
    if (end == GuestEnd::powered_off) {
      reach("power-off");
    } else {
      run_.reason = reason(end);
    }
    return std::move(run_);
  }

 private:
  void reach(const std::string& name) {
    last_ = Clock::now();
    run_.phases.push_back({name, last_ - started_});
    listener_(run_.phases.back());
  }
  [[nodiscard]] bool reached(std::string_view name) const {
    return std::ranges::any_of(run_.phases, [&](const PhaseTime& phase) { return phase.name == name; });
  }
  [[nodiscard]] GuestEnd end_of_boot() const {
    return run_.phases.empty() ? GuestEnd::ended_before_init : GuestEnd::capture_kernel_ended;
  }

  [[nodiscard]] std::string reason(GuestEnd end) const {
    const std::string last = run_.phases.empty() ? "power on" : run_.phases.back().name;
    const char* what = "ended";
    if (end == GuestEnd::ended_before_init) what = "ended before its /init";
    if (end == GuestEnd::capture_kernel_ended)
      what = "panicked, but the capture kernel did not reach its /init";
    if (end == GuestEnd::out_of_time) what = "exceeded its time limit";
    const bool panicked = reached(guest_phase::kGuestPanic);
    std::string tail = (panicked ? capture_ : guest_).tail(kTailLines);
    // A capture kernel that ends before its console is set up prints nothing there.
    if (tail.empty()) tail = guest_.tail(kTailLines);
    return fmt::format("the guest {} after {}; its console ended with:\n{}", what, last,
                       tail.empty() ? "(nothing)" : tail);
  }

  Console guest_, capture_;
  const GuestLimits& limits_;
  const PhaseListener& listener_;
  Clock::time_point started_ = Clock::now(), last_ = started_;
  GuestRun run_;
};

}  // namespace

Result<GuestRun> run_guest(const std::string& qemu, const VirtualMachine& machine, const GuestLimits& limits,
                           const PhaseListener& listener, const std::atomic<bool>& stop) {
  const std::string log_path = machine.guest_console + ".qemu";
  const UniqueFd output = TRY(open_file(log_path, O_RDWR | O_CREAT | O_TRUNC, 0600));
  auto process = TRY(ChildProcess::start(qemu_arguments(qemu, machine),
                                         {.stdout_fd = output.get(), .stderr_fd = output.get()}));
  Watcher watcher(machine, limits, listener);
  for (;;) {
    const auto status = process.poll();
    watcher.listen();  // after the poll: the last output of a guest that has ended is in the files by now
    if (status) {
      const std::string messages = read_text(log_path).value_or("");
      if (*status != 0 && !messages.empty())
        return fail(ErrorCode::io, "QEMU ended with status {}: {}", *status, messages);
      return watcher.finish(watcher.end_by_itself());
    }
    if (const auto verdict = watcher.verdict()) {
      process.kill();
      return watcher.finish(*verdict);
    }
    if (stop) return fail(ErrorCode::io, "interrupted");
    std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace lifeboat::rehearse
