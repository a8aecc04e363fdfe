// SPDX-License-Identifier: GPL-2.0-or-later
// One point of `lifeboat check`: what was checked, the result, and the command that fixes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::check {

enum class PointResult {
  ok,
  warning,  // a crash would be captured, but not as it should be, or not for long
  failure,  // a crash would not be captured
};
std::string_view result_name(PointResult result);

struct Point {
  std::string name;  // "reservation"
  PointResult result = PointResult::ok;
  std::string detail;
  std::string next;  // what to run or do; empty when there is nothing to fix
};

struct Facts;
// All points, in the order in which to fix them.
std::vector<Point> all_points(const Facts& facts);

// Whether a crash would be captured, by these points.
bool would_capture(const std::vector<Point>& points);

// --- the single points, for all_points() and tests
Point configuration_point(const Facts& facts);
Point reservation_point(const Facts& facts);
Point cpus_point(const Facts& facts);
Point kernel_point(const Facts& facts);
Point modules_point(const Facts& facts);
Point initramfs_point(const Facts& facts);
Point loaded_point(const Facts& facts);
Point newest_kernel_point(const Facts& facts);
Point boot_entry_point(const Facts& facts);

struct TargetFacts;
Point target_point(const TargetFacts& target);
Point target_drivers_point(const Facts& facts, const TargetFacts& target);
Point target_space_point(const Facts& facts, const TargetFacts& target);
Point target_store_point(const TargetFacts& target);

Point hypervisor_point(const Facts& facts);
Point signature_point(const Facts& facts);
Point handover_point(const Facts& facts);
Point limits_point(const Facts& facts);
Point panic_point(const Facts& facts);
Point units_point(const Facts& facts);
Point hotplug_point(const Facts& facts);
Point watchdog_point(const Facts& facts);
Point conflict_point(const Facts& facts);
Point rehearsal_point(const Facts& facts);
Point last_crash_point(const Facts& facts);

}  // namespace lifeboat::check
