// SPDX-License-Identifier: GPL-2.0-or-later
// What has been seen to work, or not: the last rehearsal, the last crash. And the list of all points.
#include <algorithm>

#include "check/facts.h"
#include "check/point.h"

namespace lifeboat::check {

std::string_view result_name(PointResult result) {
  switch (result) {
    case PointResult::ok:
      return "ok";
    case PointResult::warning:
      return "warning";
    case PointResult::failure:
      return "failure";
  }
  return "failure";
}

Point rehearsal_point(const Facts& facts) {
  Point point{.name = "rehearsal", .next = "lifeboat rehearse"};
  const auto& rehearsal = facts.rehearsal;
  if (!rehearsal) {
    point.result = PointResult::warning;
    point.detail = "a crash of this machine was never rehearsed";
  } else if (rehearsal->release != facts.release) {
    point.result = PointResult::warning;
    point.detail = fmt::format("the last was of {}, not of {}", rehearsal->release, facts.release);
  } else if (!rehearsal->whole) {
    point.result = PointResult::failure;
    point.detail = "the last one failed: " + rehearsal->problem;
  } else if (rehearsal->initramfs_digest.empty() ? rehearsal->time < facts.initramfs_time
                                                 : rehearsal->initramfs_digest != facts.initramfs_digest) {
    point.result = PointResult::warning;
    point.detail = "the initramfs has changed since the last";
  } else {
    point.detail = "the dump was whole";
    point.next.clear();
  }
  return point;
}

Point last_crash_point(const Facts& facts) {
  Point point{.name = "last crash", .detail = "none is kept"};
  const StoredCrash* last = nullptr;
  std::string store;
  for (const auto& target : facts.targets) {
    if (!target.store || target.store->crashes.empty()) continue;
    const auto& newest = target.store->crashes.front();
    if (last != nullptr && last->crash_time >= newest.crash_time) continue;
    last = &newest;
    store = target.name;
  }
  if (last == nullptr) return point;
  const std::string folder = store + "/" + last->name;
  point.detail = fmt::format("{}: {}", folder, outcome_name(last->outcome));
  if (last->outcome != CrashOutcome::whole) {
    point.result = PointResult::warning;
    point.detail += ": the last capture did not go well";
    point.next = fmt::format("see why: cat {}/{}", folder, kCaptureLogFile);
  } else if (!last->record || !last->record->collected) {
    point.result = PointResult::warning;
    point.detail += ", not collected yet";
    point.next = "lifeboat collect";
  }
  return point;
}

std::vector<Point> all_points(const Facts& facts) {
  std::vector<Point> points = {configuration_point(facts), reservation_point(facts), kernel_point(facts),
                               modules_point(facts),       initramfs_point(facts),   loaded_point(facts),
                               newest_kernel_point(facts)};
  for (const auto& target : facts.targets) {
    points.push_back(target_point(target));
    if (!target.found) continue;
    points.push_back(target_drivers_point(facts, target));
    points.push_back(target_room_point(facts, target));
    points.push_back(target_store_point(target));
  }
  // One that cannot be used costs the crash only where there is no other.
  const bool usable =
      std::ranges::any_of(facts.targets, [](const TargetFacts& target) { return target.found.has_value(); });
  for (auto& point : points) {
    if (usable && point.name.starts_with("target ") && point.result == PointResult::failure)
      point.result = PointResult::warning;
  }
  for (const auto function : {signature_point, limits_point, panic_point, units_point, hotplug_point,
                              watchdog_point, conflict_point, rehearsal_point, last_crash_point})
    points.push_back(function(facts));
  return points;
}

bool would_capture(const std::vector<Point>& points) {
  return std::ranges::none_of(points,
                              [](const Point& point) { return point.result == PointResult::failure; });
}

}  // namespace lifeboat::check
