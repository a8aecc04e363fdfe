// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/attempt.h"

#include "capture/run/capture_console.h"
#include "capture/run/hooks.h"
#include "src/base/log.h"

namespace lifeboat::capture {
namespace {

class Attempts {
 public:
  Attempts(const CapturePlan& plan, Journal& journal, const AttemptOptions& options)
      : plan_(plan), journal_(journal), options_(options) {}

  AttemptResult run(std::span<const AttemptTarget> targets) {
    hooks(plan_.capture.hook_before, {.point = "before"});
    AttemptResult end, log_only;
    for (const auto& target : targets) {
      const bool last = &target == &targets.back();
      ChildLimits bounds = limits();
      bounds.total = plan_.capture.deadline;
      const Outcome outcome = supervise(
          "capture", bounds, [&](Heartbeat& heartbeat) { return target.save(journal_, heartbeat); });
      const CrashRecord record = journal_.record();
      end = {.outcome = record.dump,
             .fell_back = record.fell_back,
             .lost_pages = record.lost_pages,
             .folder = journal_.folder().value_or("")};
      const bool too_small = end.outcome == DumpOutcome::log_only && end.fell_back;
      const bool taken = ends_capture(end.outcome) && !too_small;
      if (taken || last) {
        hooks(plan_.capture.hook_after,
              {.point = "after", .folder = end.folder, .outcome = std::string(outcome_name(end.outcome))});
      }
      leave(target, outcome);
      if (taken) return end;
      if (too_small && log_only.folder.empty()) log_only = end;
      if (!last) log::warning("trying the next target");
    }
    if (!log_only.folder.empty()) return log_only;
    announce(phase::kCaptureFailed);
    if (options_.last_resort) supervise("log", limits(), options_.last_resort);
    return end;
  }

 private:
  [[nodiscard]] ChildLimits limits() const {
    return {.stall = plan_.capture.stall_deadline, .total = {}, .on_wait = options_.on_wait};
  }

  void hooks(const std::vector<std::string>& programs, const HookCall& call) const {
    run_hooks(programs, call, plan_.capture.hook_deadline, options_.on_wait);
  }

  // Writes the record and the log beside the dump, then unmounts the target.
  void leave(const AttemptTarget& target, Outcome outcome) {
    ChildLimits bounds = limits();
    bounds.stall = kLeaveDeadline;
    note_problems();
    supervise("end", bounds, [&](Heartbeat&) -> Result<> {
      const char* problem =
          outcome == Outcome::stalled ? "saving the crash made no progress and was stopped" : "";
      if (const auto closed = close_journal(journal_, problem, options_.log_file); !closed)
        log::warning("{}", closed.error().to_string());
      return target.leave();
    });
    journal_.forget();
  }

  void note_problems() const {
    const auto problems = options_.problems ? options_.problems() : std::vector<std::string>{};
    if (problems.empty() || !journal_.folder()) return;
    CrashRecord record = journal_.record();
    record.problems.insert(record.problems.end(), problems.begin(), problems.end());
    journal_.note(record);
  }

  const CapturePlan& plan_;
  Journal& journal_;
  const AttemptOptions& options_;
};

}  // namespace

AttemptResult attempt_capture(const CapturePlan& plan, std::span<const AttemptTarget> targets,
                              Journal& journal, const AttemptOptions& options) {
  return Attempts(plan, journal, options).run(targets);
}

}  // namespace lifeboat::capture
