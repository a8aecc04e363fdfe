// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/capture_store.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "capture/initramfs/mounted_target.h"
#include "capture/run/save.h"
#include "capture/run/system_capture.h"
#include "src/arming/recipe.h"
#include "src/base/log.h"
#include "src/cli/configuration.h"
#include "src/cli/outcome.h"

namespace lifeboat::cli {
namespace {

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

Result<CapturePlan> plan_for(const CommandLine& line, const config::Config& config) {
  CapturePlan plan = arming::plan_of(config);
  if (line.has("level")) plan.dump.level = TRY(parse_levels(line.get("level")));
  if (line.has("compress")) {
    plan.dump.compression = TRY(parse_compression_choice(line.get("compress")));
  }
  return plan;
}

// --then-act: the capture kernel has booted this system.
Result<capture::AttemptResult> capture(const CommandLine& line, const std::string& source,
                                       const config::Config& config) {
  capture::SystemCapture request{.source = source, .plan = TRY(plan_for(line, config))};
  for (const auto& target : targets_of(line, config))
    request.folders.emplace_back([target] { return folder_of(target); });
  if (line.has("then-act")) request.system = capture::CaptureSystem::of_capture_kernel;
  return capture::capture_in_system(request);
}

// In a capture kernel: what is not saved now is lost, and there is no operator.
[[noreturn]] void capture_and_act(const CommandLine& line, const std::string& source) {
  const auto read = read_config(line);
  // An error in the configuration must not prevent the dump.
  if (!read) log::error("ignoring the configuration, using defaults: {}", read.error().to_string());
  const config::Config config = read.value_or(config::Config{});
  const auto end = capture(line, source, config);
  if (!end) log::error("{}", end.error().to_string());
  capture::end_system_capture(capture::action_after(end, config));
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
