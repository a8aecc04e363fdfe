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

namespace {

bool has_failure(const std::vector<Point>& points) {
  return std::ranges::find(points, PointResult::failure, &Point::result) != points.end();
}

// The dump goes to the first target that takes it: what is wrong with one costs the crash only where no other
// is as it should be.
std::vector<Point> target_points(const Facts& facts) {
  std::vector<std::vector<Point>> targets;
  for (const auto& target : facts.targets) {
    targets.push_back({target_point(target)});
    if (!target.found) continue;
    targets.back().push_back(target_drivers_point(facts, target));
    targets.back().push_back(target_room_point(facts, target));
    targets.back().push_back(target_store_point(target));
  }
  const bool one_is_good = !std::ranges::all_of(targets, has_failure);
  std::vector<Point> points;
  for (auto& of_one : targets) {
    for (auto& point : of_one) {
      if (one_is_good && point.result == PointResult::failure) point.result = PointResult::warning;
      points.push_back(std::move(point));
    }
  }
  return points;
}

}  // namespace

std::vector<Point> all_points(const Facts& facts) {
  std::vector<Point> points = {configuration_point(facts), reservation_point(facts), kernel_point(facts),
                               modules_point(facts),       initramfs_point(facts),   loaded_point(facts),
                               newest_kernel_point(facts)};
  for (auto& point : target_points(facts)) points.push_back(std::move(point));
  for (const auto function : {signature_point, limits_point, panic_point, units_point, hotplug_point,
                              watchdog_point, conflict_point, rehearsal_point, last_crash_point})
    points.push_back(function(facts));
  return points;
}

bool would_capture(const std::vector<Point>& points) {
  return !has_failure(points);
}

}  // namespace lifeboat::check
