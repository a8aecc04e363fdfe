// SPDX-License-Identifier: GPL-2.0-or-later
// What `lifeboat load` without --crash would load: the kernel that the boot loader boots.
#include "src/check/check_facts.h"
#include "src/check/point.h"

namespace lifeboat::check {
namespace {

constexpr const char* kNameIt =
    "correct the boot loader's configuration, or name the kernel: lifeboat load --boot-name NAME";

}  // namespace

// A crash is captured whatever this is: never a failure.
Point boot_entry_point(const Facts& facts) {
  Point point{.name = "boot entry"};
  if (!facts.boot_entry) {
    const Error& error = facts.boot_entry.error();
    if (error.code == ErrorCode::not_found) {
      point.detail = "none was found: 'lifeboat load' needs the name of a kernel";
      return point;
    }
    point.result = PointResult::warning;
    point.detail = "a load for the next reboot would fail: " + error.reason();
    point.next = error.fix.empty() ? kNameIt : error.fix;
    return point;
  }
  point.detail = fmt::format("'{}' ({})", facts.boot_entry->title, facts.boot_entry->source);
  if (facts.boot_entry->notes.empty()) return point;
  point.result = PointResult::warning;
  for (const auto& note : facts.boot_entry->notes) point.detail += "; " + note;
  point.next = kNameIt;
  return point;
}

}  // namespace lifeboat::check
