// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/store_capture.h"

#include <unistd.h>

#include "capture/initramfs/mounted_target.h"
#include "src/arming/recipe.h"
#include "src/base/log.h"
#include "src/inspect/session.h"

namespace lifeboat::collect {
namespace {

Result<std::string> folder_of(const StoreCapture& capture, const config::TargetEntry& target) {
  auto folder = TRY(capture.mounted_folder ? capture.mounted_folder(target.device, target.path)
                                           : mounted_folder(target.device, target.path));
  if (folder) return *std::move(folder);
  return std::unexpected(Error(ErrorCode::not_found, fmt::format("{} is not mounted", target.device))
                             .hint("add it to /etc/fstab: the system of the capture kernel mounts it"));
}

Result<CapturePlan> plan_of(const StoreCapture& capture, const config::Config& config) {
  CapturePlan plan = arming::plan_of(config);
  if (capture.level) plan.dump.level = TRY(parse_levels(*capture.level));
  if (capture.compression) plan.dump.compression = TRY(parse_compression_choice(*capture.compression));
  return plan;
}

Result<capture::AttemptResult> capture_as_configured(const StoreCapture& capture,
                                                     const config::Config& config,
                                                     capture::CaptureSystem system) {
  auto request = TRY(system_capture_of(capture, config));
  request.system = system;
  const bool in_capture_kernel = system == capture::CaptureSystem::of_capture_kernel;
  if (in_capture_kernel && config.capture.watchdog) request.watchdogs = capture.watchdogs;
  return capture::capture_in_system(request);
}

}  // namespace

Result<capture::SystemCapture> system_capture_of(const StoreCapture& capture, const config::Config& config) {
  capture::SystemCapture request{
      .source = capture.source, .plan = TRY(plan_of(capture, config)), .folders = {}, .run = capture.run};
  if (capture.folder) {
    request.folders.emplace_back([folder = *capture.folder]() -> Result<std::string> { return folder; });
    return request;
  }
  for (const auto& target : config.targets)
    request.folders.emplace_back([capture, target] { return folder_of(capture, target); });
  return request;
}

Result<capture::AttemptResult> capture_on_working_system(const StoreCapture& capture,
                                                         const Result<config::Config>& config) {
  TRY_VOID(inspect::Session::open(capture.source));
  if (!config) return std::unexpected(config.error());
  return capture_as_configured(capture, *config, capture::CaptureSystem::working);
}

FinalAction capture_in_capture_kernel(const StoreCapture& capture, const Result<config::Config>& config) {
  if (!config) log::error("ignoring the configuration, using defaults: {}", config.error().to_string());
  const config::Config used = config ? *config : config::Config{};
  const auto end = capture_as_configured(capture, used, capture::CaptureSystem::of_capture_kernel);
  if (!end) log::error("{}", end.error().to_string());
  return capture::action_after(end, used);
}

Result<> check_source_of_capture_kernel(const std::string& source, const std::string& vmcore) {
  if (source == vmcore && ::access(vmcore.c_str(), F_OK) == 0) return {};
  return fail(ErrorCode::usage, "capture: --then-act is for {}, in a capture kernel", vmcore);
}

}  // namespace lifeboat::collect
