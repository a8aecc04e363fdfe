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

// The target's folder in this system. lifeboat does not mount it: the system may be mounting it right now.
Result<std::string> folder_of(const config::TargetEntry& target) {
  if (auto folder = TRY(mounted_folder(target.device, target.path))) return *std::move(folder);
  return std::unexpected(Error(ErrorCode::not_found, fmt::format("{} is not mounted", target.device))
                             .hint("add it to /etc/fstab: the system of the capture kernel mounts it"));
}

Result<> save_at(const std::string& path, const std::string& source, const CapturePlan& plan,
                 capture::Journal& journal, capture::Heartbeat& heartbeat) {
  // An obstacle is accepted: a part of the path that cannot be opened is handled as in an initramfs.
  const RealFolder real = TRY(find_real_folder(path));
  const UniqueFd store = TRY(open_folder_below(real.folder.get(), real.missing));
  return capture::save_into_store(source, store.get(), real.path, plan, journal, heartbeat);
}

Result<CapturePlan> plan_for(const CommandLine& line, const config::Config& config) {
  CapturePlan plan = arming::plan_of(config);
  if (line.has("level")) plan.dump.level = TRY(parse_levels(line.get("level")));
  if (line.has("compress")) {
    plan.dump.compression = TRY(parse_compression_choice(line.get("compress")));
  }
  return plan;
}

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

// Two captures at once would save the same dump twice, and delete each other's crashes to free space.
Result<> claim(capture::Journal& journal) {
  auto claimed = journal.claim();
  if (!claimed && claimed.error().code == ErrorCode::busy)
    claimed.error().hint("wait until it ends: only one crash is saved at a time");
  return claimed;
}

// --then-act restarts the machine afterwards, which must not happen while another process saves. Any other
// failure to lock the journal must not prevent the dump.
void claim_in_capture_kernel(capture::Journal& journal, std::chrono::seconds limit) {
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
    extend_timeout_periodically();
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
    // The other capture may take this long for all its targets.
    claim_in_capture_kernel(journal, plan.capture.deadline * static_cast<int>(attempt_targets.size() + 1));
  } else {
    TRY_VOID(claim(journal));
  }
  capture::AttemptOptions options{.log_file = fmt::format("{}/capture.log", kRunFolder),
                                  .on_wait = extend_timeout_periodically};
  capture::keep_log(options.log_file);
  if (line.has("then-act"))
    options.last_resort = [&source](capture::Heartbeat& heartbeat) {
      return capture::print_log_tail(source, heartbeat);
    };
  return capture::attempt_capture(plan, attempt_targets, journal, options);
}

// In a capture kernel: what is not saved now is lost, and there is no operator.
[[noreturn]] void capture_and_act(const CommandLine& line, const std::string& source) {
  const auto read = read_config(line);
  // An error in the configuration must not prevent the dump.
  if (!read) log::error("ignoring the configuration, using defaults: {}", read.error().to_string());
  const config::Config config = read.value_or(config::Config{});
  const auto end = capture(line, source, config);
  if (!end) log::error("{}", end.error().to_string());
  const FinalAction action = end && ends_capture(end->outcome) ? config.final.action : config.failure.action;
  // A shell may stay open for long.
  if (action == FinalAction::shell) extend_timeout(std::chrono::years(1));
  capture::final_action_of_system(action, kShell);
}

}  // namespace

Result<int> capture_into_store(const CommandLine& line, const std::string& source) {
  if (line.has("then-act")) {
    // Elsewhere it would restart a machine that works.
    if (source != capture::kVmcore || ::access(capture::kVmcore, F_OK) != 0)
      return fail(ErrorCode::usage, "capture: --then-act is for {}, in a capture kernel", capture::kVmcore);
    capture_and_act(line, source);
  }
  const auto end = TRY(capture(line, source, TRY(read_config(line))));
  if (end.outcome == DumpOutcome::failed)
    return fail(ErrorCode::io, "cannot save {}; see the messages above", source);
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
