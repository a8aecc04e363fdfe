// SPDX-License-Identifier: GPL-2.0-or-later
// The results so far: the last rehearsal, the last crash. And the list of all points.
#include <algorithm>

#include "src/base/text.h"
#include "src/check/check_facts.h"
#include "src/check/point.h"

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
    point.detail = "no rehearsal was run on this machine";
  } else if (rehearsal->release != facts.release) {
    point.result = PointResult::warning;
    point.detail = fmt::format("the last one used {}, not {}", rehearsal->release, facts.release);
  } else if (!rehearsal->succeeded()) {
    point.result = PointResult::failure;
    point.detail = "the last one failed: " + rehearsal->problem;
  } else if (rehearsal->initramfs_digest.empty() ? rehearsal->time < facts.initramfs_time
                                                 : rehearsal->initramfs_digest != facts.initramfs_digest) {
    point.result = PointResult::warning;
    point.detail = "the initramfs has changed since the last one";
  } else {
    point.detail =
        rehearsal->whole ? "the dump was whole" : "log and report were saved: [dump] level is none";
    point.next.clear();
  }
  return point;
}

namespace {

struct LastCrash {
  const StoredCrash* crash = nullptr;  // nullptr: none is saved
  std::string store, path;             // of its store: the configured name, and the current path
};

LastCrash find_last_crash(const Facts& facts) {
  LastCrash last;
  for (const auto& target : facts.targets) {
    if (!target.store || target.store->crashes.empty()) continue;
    const auto& newest = target.store->crashes.front();
    if (!last.crash || newest.crash_time > last.crash->crash_time)
      last = {.crash = &newest, .store = target.name, .path = target.store->path};
  }
  return last;
}

// What keeps the records of a crash, of which lifeboat may have saved nothing, does not work.
void add_pstore_driver(const Facts& facts, Point& point) {
  const collect::PstoreDriver& driver = facts.pstore_driver;
  if (!driver.there || (facts.config && !facts.config->collect.pstore)) return;
  std::string detail, next;
  if (!driver.active.empty() && !driver.mounted) {
    detail = "records in pstore cannot be read: /sys/fs/pstore is not mounted";
    next = "mount -t pstore pstore /sys/fs/pstore; lifeboat collect";
  } else if (driver.active.empty() && !driver.module.empty() && !driver.loaded) {
    detail = driver.module + " is not loaded: the records that it has in pstore cannot be seen";
    next = fmt::format("modprobe {}; lifeboat collect", driver.module);
  }
  if (detail.empty()) return;
  point.result = PointResult::warning;
  point.detail += "; " + detail;
  if (point.next.empty()) point.next = next;
}

// Records that are still in pstore after `lifeboat collect` may be all that is left of a crash whose capture
// kernel did not start.
void add_pstore(const Facts& facts, Point& point) {
  if (facts.pstore.empty()) return;
  point.result = PointResult::warning;
  point.detail += "; there are " + collect::describe(facts.pstore);
  if (point.next.empty()) {
    const std::string path = shell_word(facts.pstore.front().path);
    point.next = fmt::format("less {}; remove the record after you have read it", path);
  }
}

}  // namespace

Point last_crash_point(const Facts& facts) {
  Point point{.name = "last crash", .detail = "none is saved"};
  const auto [last, store, path] = find_last_crash(facts);
  if (last != nullptr)
    point.detail = fmt::format("{}/{}: {}", store, last->name,
                               describe_dump(last->outcome, last->record.value_or(CrashRecord{})));
  if (last != nullptr && !last->complete()) {
    point.result = PointResult::warning;
    if (!ends_capture(last->dump())) point.detail += ": the last capture failed";
    point.next = "see why: cat " + shell_word(fmt::format("{}/{}/{}", path, last->name, kCaptureLogFile));
  } else if (last != nullptr && (!last->record || !last->record->collected)) {
    point.result = PointResult::warning;
    point.detail += ", not collected yet";
    point.next = "lifeboat collect";
    // It may move the records of pstore.
    return point;
  }
  add_pstore(facts, point);
  add_pstore_driver(facts, point);
  return point;
}

namespace {

bool has_failure(const std::vector<Point>& points) {
  return std::ranges::find(points, PointResult::failure, &Point::result) != points.end();
}

// The dump goes to the first target that works: a failure of one target is a warning while another has none.
std::vector<Point> target_points(const Facts& facts) {
  std::vector<std::vector<Point>> targets;
  for (const auto& target : facts.targets) {
    targets.push_back({target_point(target)});
    if (!target.found) continue;
    targets.back().push_back(target_drivers_point(facts, target));
    targets.back().push_back(target_space_point(facts, target));
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
  std::vector<Point> points = {
      configuration_point(facts), reservation_point(facts),   cpus_point(facts),
      kernel_point(facts),        modules_point(facts),       initramfs_point(facts),
      loaded_point(facts),        newest_kernel_point(facts), boot_entry_point(facts)};
  for (auto& point : target_points(facts)) points.push_back(std::move(point));
  for (const auto function :
       {hypervisor_point, signature_point, handover_point, limits_point, panic_point, units_point,
        hotplug_point, watchdog_point, conflict_point, rehearsal_point, last_crash_point})
    points.push_back(function(facts));
  return points;
}

bool would_capture(const std::vector<Point>& points) {
  return !has_failure(points);
}

}  // namespace lifeboat::check
