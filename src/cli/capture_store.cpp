// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/capture_store.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "capture/initramfs/mounted_target.h"
#include "capture/run/attempt.h"
#include "capture/run/capture_console.h"
#include "capture/run/final_action.h"
#include "capture/run/save.h"
#include "src/arming/recipe.h"
#include "src/base/folders.h"
#include "src/base/log.h"
#include "src/base/real_folder.h"
#include "src/base/service_notify.h"
#include "src/base/sys.h"
#include "src/cli/configuration.h"
#include "src/cli/outcome.h"
#include "src/store/store.h"

namespace lifeboat::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kRunFolder = "/run/lifeboat";
constexpr const char* kShell = "/bin/sh";

// The targets to try: --store-folder FOLDER, else the configured ones.
std::vector<config::TargetEntry> targets_of(const CommandLine& line, const config::Config& config) {
  if (line.has("store-folder")) return {{.path = line.get("store-folder")}};
  return config.targets;
}

// Where its folder is in this system. Mounting is left to the system, which may be at it at this moment.
Result<std::string> folder_of(const config::TargetEntry& target) {
  if (auto folder = TRY(mounted_folder(target.device, target.path))) return *std::move(folder);
  return std::unexpected(Error(ErrorCode::not_found, fmt::format("{} is mounted nowhere", target.device))
                             .hint("a capture kernel that boots this system needs it in /etc/fstab"));
}

Result<> save_at(const std::string& path, const std::string& source, const CapturePlan& plan,
                 capture::Journal& journal, capture::Heartbeat& heartbeat) {
  // Also with an obstacle: what cannot be entered is dealt with as in an initramfs.
  const RealFolder place = TRY(find_real_folder(path));
  const UniqueFd store = TRY(open_folder_below(place.folder.get(), place.missing));
  return capture::save_into_store(source, store.get(), place.path, plan, journal, heartbeat);
}

Result<CapturePlan> plan_for(const CommandLine& line, const config::Config& config) {
  CapturePlan plan = arming::plan_of(config);
  if (line.has("level")) plan.dump.level = TRY(parse_levels(line.get("level")));
  if (line.has("compress")) {
    plan.dump.compression = TRY(parse_compression_choice(line.get("compress")));
  }
  return plan;
}

// Whoever started us ends us when it has not heard of us for so long (TimeoutStartSec= of
// lifeboat-capture.service): this program keeps the deadlines of its children, and that is its own.
void put_off_timeout(std::chrono::microseconds time) {
  notify_service_manager(fmt::format("EXTEND_TIMEOUT_USEC={}", time.count()));
}

void put_off_timeout_now_and_then() {
  static Clock::time_point last;
  if (Clock::now() - last < std::chrono::seconds(10)) return;
  last = Clock::now();
  put_off_timeout(std::chrono::minutes(5));
}

// Two at once would save the same dump twice, and make room for it at each other's cost.
Result<> claim(capture::Journal& journal) {
  auto claimed = journal.claim();
  if (!claimed && claimed.error().code == ErrorCode::busy)
    claimed.error().hint("wait for its end: one crash is saved at a time");
  return claimed;
}

// Who ends the machine afterwards must not do so while another one saves. What else keeps the journal from
// being claimed must not cost the dump.
void claim_in_capture_kernel(capture::Journal& journal, std::chrono::seconds limit) {
  const auto deadline = Clock::now() + limit;
  for (bool said = false;; said = true) {
    const auto claimed = journal.claim();
    if (claimed) return;
    if (!said) log::warning("{}", claimed.error().to_string());
    if (claimed.error().code != ErrorCode::busy || Clock::now() > deadline) {
      log::warning("saving the crash without the lock");
      // What an earlier capture noted must not be taken for this one's.
      journal.forget();
      return;
    }
    put_off_timeout_now_and_then();
    ::sleep(1);
  }
}

Result<capture::AttemptResult> capture(const CommandLine& line, const std::string& source,
                                       const config::Config& config) {
  const CapturePlan plan = TRY(plan_for(line, config));
  std::vector<capture::AttemptTarget> attempt_targets;
  for (const auto& target : targets_of(line, config)) {
    const auto save = [&plan, &source, target](capture::Journal& journal,
                                               capture::Heartbeat& heartbeat) -> Result<> {
      const std::string path = TRY(folder_of(target));
      TRY_CONTEXT(save_at(path, source, plan, journal, heartbeat), "{}", path);
      return {};
    };
    attempt_targets.push_back({.save = save, .leave = []() -> Result<> {
                                 sys::sync();
                                 return {};
                               }});
  }
  TRY_VOID(make_folders(kRunFolder, 0700));
  capture::Journal journal(kRunFolder);
  if (line.has("then-act")) {
    // As long as the other one may take for all its targets.
    claim_in_capture_kernel(journal, plan.capture.deadline * static_cast<int>(attempt_targets.size() + 1));
  } else {
    TRY_VOID(claim(journal));
  }
  capture::AttemptOptions options{.log_file = fmt::format("{}/capture.log", kRunFolder),
                                  .on_wait = put_off_timeout_now_and_then};
  capture::keep_log(options.log_file);
  if (line.has("then-act"))
    options.last_resort = [&source](capture::Heartbeat& heartbeat) {
      return capture::print_log_tail(source, heartbeat);
    };
  return capture::attempt_capture(plan, attempt_targets, journal, options);
}

// A capture kernel: what is saved now is all that ever will be, and nobody is there.
[[noreturn]] void capture_and_act(const CommandLine& line, const std::string& source) {
  const auto read = read_config(line);
  // A mistake in the configuration must not cost the dump.
  if (!read) log::error("the configuration is not followed: {}", read.error().to_string());
  const config::Config config = read.value_or(config::Config{});
  const auto end = capture(line, source, config);
  if (!end) log::error("{}", end.error().to_string());
  const FinalAction action = end && ends_capture(end->outcome) ? config.final.action : config.failure.action;
  // A shell may last.
  if (action == FinalAction::shell) put_off_timeout(std::chrono::years(1));
  capture::final_action_of_system(action, kShell);
}

}  // namespace

Result<int> capture_into_store(const CommandLine& line, const std::string& source) {
  if (line.has("then-act")) {
    // Anywhere else it would take down a machine that is well.
    if (source != capture::kVmcore || ::access(capture::kVmcore, F_OK) != 0)
      return fail(ErrorCode::usage, "capture: --then-act is for {}, in a capture kernel", capture::kVmcore);
    capture_and_act(line, source);
  }
  const auto end = TRY(capture(line, source, TRY(read_config(line))));
  if (end.outcome == DumpOutcome::failed)
    return fail(ErrorCode::io, "{} could not be saved; see the messages above", source);
  const bool whole = end.outcome == DumpOutcome::whole;
  if (line.json()) {
    print_json({{"folder", end.folder},
                {"whole", whole},
                {"outcome", outcome_name(end.outcome)},
                {"lost_pages", end.lost_pages}});
  } else if (whole) {
    fmt::print("{}: the dump is whole\n", end.folder);
  }
  if (!whole) {
    report_incomplete(fmt::format("{}/{}", end.folder, kIncompleteDumpFile),
                      end.lost_pages > 0 ? fmt::format("{} pages could not be read", end.lost_pages)
                                         : "the source itself is not whole");
  }
  return exit_code_of(end.outcome);
}

}  // namespace lifeboat::cli
