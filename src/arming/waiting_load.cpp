// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/waiting_load.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "src/arming/absent_devices.h"
#include "src/arming/noted_load.h"
#include "src/base/log.h"
#include "src/base/service_notify.h"

namespace lifeboat::arming {
namespace {

std::string stamps(const PreparedLoad& load) {
  std::string text;
  for (const auto& path : load.request.initramfs) text += file_stamp(path) + "\n";
  return text;
}

Result<Loaded> load_prepared(PreparedLoad load, const SystemPaths& paths) {
  // Before the load: files that change meanwhile are loaded again.
  std::string initramfs = stamps(load);
  LoadReport report = TRY(load_and_note(load.request, load.kernel, paths));
  return Loaded{std::move(load), std::move(report), std::move(initramfs)};
}

Result<Loaded> load_once(const WaitingLoad& wanted) {
  return load_prepared(TRY(wanted.prepare()), wanted.paths);
}

// Only if the initramfs has changed.
Result<Loaded> load_again(const WaitingLoad& wanted, Result<Loaded> done) {
  if (!done) return load_once(wanted);
  PreparedLoad load = TRY(wanted.prepare());
  if (stamps(load) == done->initramfs) {
    done->load = std::move(load);
    return done;
  }
  // An operator has unloaded the capture kernel meanwhile: it stays unloaded.
  if (read_system_state(wanted.paths).crash_loaded == false) return done;
  return load_prepared(std::move(load), wanted.paths);
}

// With the notes of the load, such as an initramfs that could not be rebuilt.
std::string status_of(const Result<Loaded>& done, const SystemPaths& paths) {
  if (done) {
    std::string status = "armed with " + done->report.release;
    for (const auto& note : done->load.notes) status += "; " + note;
    return status;
  }
  const bool earlier = read_system_state(paths).crash_loaded == true;
  return (earlier ? "armed by an earlier load, the last one failed: " : "not armed: ") +
         done.error().to_string();
}

void report_to_service_manager(bool armed, std::string status) {
  std::ranges::replace(status, '\n', ' ');
  notify_service_manager((armed ? "READY=1\nSTATUS=" : "STATUS=") + status);
}

}  // namespace

Result<Loaded> load_and_wait_for_devices(const WaitingLoad& wanted) {
  const auto end = std::chrono::steady_clock::now() + wanted.max_wait;
  // Read before the load: a device that appears during the load must be noticed.
  auto absent = absent_devices(wanted.targets);
  auto done = load_once(wanted);
  while (!absent.empty() && wanted.max_wait.count() > 0) {
    const std::string status = fmt::format("{}; waiting for {}, {} s at most", status_of(done, wanted.paths),
                                           fmt::join(absent, ", "), wanted.max_wait.count());
    log::info("{}", status);
    report_to_service_manager(done.has_value(), status);
    if (!wait_for_one(absent, end)) break;
    absent = absent_devices(wanted.targets);
    done = load_again(wanted, std::move(done));
  }
  if (done && done->load.request.crash) report_to_service_manager(true, status_of(done, wanted.paths));
  return done;
}

}  // namespace lifeboat::arming
