// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/system_capture.h"

#include <thread>

#include "capture/run/capture_console.h"
#include "capture/run/final_action.h"
#include "capture/run/save.h"
#include "capture/run/watchdog.h"
#include "src/base/folders.h"
#include "src/base/log.h"
#include "src/base/real_folder.h"
#include "src/base/service_notify.h"
#include "src/base/sys.h"
#include "src/store/store.h"

namespace lifeboat::capture {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kShell = "/bin/sh";

// The service manager kills this program when the timeout passes without a message (TimeoutStartSec= of
// lifeboat-capture.service). This program enforces the deadlines of its children itself.
void extend_timeout(std::chrono::microseconds time) {
  notify_service_manager(fmt::format("EXTEND_TIMEOUT_USEC={}", time.count()));
}

void extend_timeout_periodically() {
  static Clock::time_point last;
  if (Clock::now() - last < std::chrono::seconds(10)) return;
  last = Clock::now();
  extend_timeout(std::chrono::minutes(5));
}

Result<> save_at(const std::string& path, const SystemCapture& capture, Journal& journal,
                 Heartbeat& heartbeat) {
  // An obstacle is accepted: a part of the path that cannot be opened is handled as in an initramfs.
  const RealFolder real = TRY(find_real_folder(path));
  const UniqueFd store = TRY(open_folder_below(real.folder.get(), real.missing));
  return save_into_store(capture.source, store.get(), real.path, capture.plan, journal, heartbeat);
}

// Two captures at once would save the same dump twice, and delete each other's crashes to free space.
Result<> claim(Journal& journal) {
  auto claimed = journal.claim();
  if (!claimed && claimed.error().code == ErrorCode::busy)
    claimed.error().hint("wait until it ends: only one crash is saved at a time");
  return claimed;
}

std::vector<AttemptTarget> targets_of(const SystemCapture& capture) {
  std::vector<AttemptTarget> targets;
  for (const auto& folder : capture.folders) {
    const auto save = [&capture, &folder](Journal& journal, Heartbeat& heartbeat) -> Result<> {
      const std::string path = TRY(folder());
      TRY_CONTEXT(save_at(path, capture, journal, heartbeat), "{}", path);
      return {};
    };
    const auto leave = []() -> Result<> {
      sys::sync();
      return {};
    };
    targets.push_back({.save = save, .leave = leave});
  }
  return targets;
}

}  // namespace

void claim_or_go_on(Journal& journal, std::chrono::seconds limit, const std::function<void()>& on_wait) {
  const auto deadline = Clock::now() + limit;
  for (bool warned = false;; warned = true) {
    const auto claimed = journal.claim();
    if (claimed) return;
    if (!warned) log::warning("{}", claimed.error().to_string());
    if (claimed.error().code != ErrorCode::busy || Clock::now() > deadline) {
      log::warning("saving the crash without the lock");
      // The results of an earlier capture must not be used for this one.
      journal.forget();
      return;
    }
    on_wait();
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

Result<AttemptResult> capture_in_system(const SystemCapture& capture) {
  TRY_VOID(make_folders(capture.run, 0700));
  Journal journal(capture.run);
  AttemptOptions options{.log_file = capture.run + "/capture.log", .on_wait = extend_timeout_periodically};
  const auto targets = targets_of(capture);
  if (capture.system == CaptureSystem::of_capture_kernel) {
    // The other capture may take this long for all its targets.
    const auto limit = capture.plan.capture.deadline * static_cast<int>(targets.size() + 1);
    claim_or_go_on(journal, limit, extend_timeout_periodically);
    options.last_resort = [&capture](Heartbeat& heartbeat) {
      return print_log_tail(capture.source, heartbeat);
    };
  } else {
    TRY_VOID(claim(journal));
  }
  keep_log(options.log_file);
  Watchdogs watchdogs(capture.watchdogs, "");
  if (!capture.watchdogs.empty()) watchdogs.turn_off_pretimeouts();
  options.problems = [&watchdogs] { return watchdogs.problems(); };
  return attempt_capture(capture.plan, targets, journal, options);
}

FinalAction action_after(const Result<AttemptResult>& end, const Settings& settings) {
  return end && ends_capture(end->outcome) ? settings.final.action : settings.failure.action;
}

void end_system_capture(FinalAction action) {
  // A shell may stay open for long.
  if (action == FinalAction::shell) extend_timeout(std::chrono::years(1));
  final_action_of_system(action, kShell);
}

}  // namespace lifeboat::capture
