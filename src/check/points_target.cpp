// SPDX-License-Identifier: GPL-2.0-or-later
// Where the dump will go: whether the capture kernel can reach it, its free space, and its permissions.
#include <fmt/ranges.h>

#include <algorithm>

#include "src/base/size.h"
#include "src/check/check_facts.h"
#include "src/check/point.h"

namespace lifeboat::check {
namespace {

// What a capture makes room for before anything else (docs/store.md).
constexpr uint64_t kLogRoom = 8_MiB;

struct DumpSize {
  uint64_t bytes = 0;  // 0: not known
  std::string how;
};

// The largest dump saved there; without one, what the level keeps of the memory in use now, halved when it is
// compressed (kernel memory compresses to a third or a quarter).
DumpSize expected_dump(const Facts& facts, const StoreFacts& store) {
  DumpSize size;
  if (facts.config && facts.config->dump.log_only())
    return {kLogRoom, "log and report alone: [dump] level is none"};
  for (const auto& crash : store.crashes) {
    if (crash.outcome == CrashOutcome::whole && crash.bytes > size.bytes)
      size = {crash.bytes, "the largest dump saved there"};
  }
  if (size.bytes != 0 || !facts.config) return size;
  if (facts.measured_dump && *facts.measured_dump)
    return {**facts.measured_dump,
            fmt::format("at level {}, by the memory as it is now", facts.config->dump.level.front())};
  const auto figure = [&](const char* name) {
    const auto found = facts.meminfo.find(name);
    return found == facts.meminfo.end() ? 0 : found->second;
  };
  const int level = facts.config->dump.level.front();
  uint64_t kept = figure("MemTotal");
  const auto leave_out = [&kept](uint64_t bytes) { kept -= std::min(kept, bytes); };
  if ((level & 2) != 0 || (level & 4) != 0) leave_out(figure("Cached") + figure("Buffers"));
  if ((level & 8) != 0) leave_out(figure("AnonPages"));
  if ((level & 16) != 0) leave_out(figure("MemFree"));
  const CompressionChoice& compression = facts.config->dump.compression;
  const bool compressed = compression.automatic || compression.compression != Compression::none;
  const std::string why =
      facts.measured_dump ? fmt::format("; a guess, because {}", facts.measured_dump->error().reason()) : "";
  return {compressed ? kept / 2 : kept, fmt::format("estimated for level {} from the memory in use now{}{}",
                                                    level, compressed ? ", halved by compression" : "", why)};
}

// The size of the crashes that may be removed for a new dump.
uint64_t removable(const StoreFacts& store) {
  const auto kept = never_removed(store.crashes);
  uint64_t bytes = 0;
  for (size_t index = 0; index < store.crashes.size(); ++index) {
    if (!kept.contains(index)) bytes += store.crashes[index].bytes;
  }
  return bytes;
}

// Why no driver is known for the target's device; null: one is.
const Error* no_driver(const arming::Recipe& recipe, const TargetFacts& target) {
  const auto found = std::ranges::find_if(recipe.warnings, [&](const arming::RecipeWarning& warning) {
    return warning.kind == arming::RecipeWarningKind::driver && warning.subject == target.found->device;
  });
  return found == recipe.warnings.end() ? nullptr : &found->error;
}

}  // namespace

Point target_point(const TargetFacts& target) {
  Point point{.name = "target " + target.name};
  if (!target.found) {
    point.result = PointResult::failure;
    point.detail = target.found.error().reason();
    point.next = target.found.error().fix.empty() ? "set [target] path to a folder on a local disk"
                                                  : target.found.error().fix;
    return point;
  }
  point.detail = fmt::format("{} on {} ({}, {})", target.found->target.path, target.found->device,
                             target.found->target.filesystem, target.found->target.uuid);
  return point;
}

Point target_drivers_point(const Facts& facts, const TargetFacts& target) {
  Point point{.name = "drivers of " + target.name};
  if (!target.found || !facts.recipe) {
    point.result = PointResult::failure;
    point.detail = "unknown";
    point.next = "correct the points above";
    return point;
  }
  std::string missing;
  for (const auto& [name, carried] : target.drivers) {
    if (!carried) missing += (missing.empty() ? "" : ", ") + name;
    // An alias (of a device that has no driver here) is not useful to a reader.
    const bool alias = name.find(':') != std::string::npos;
    if (!alias) point.detail += (point.detail.empty() ? "" : ", ") + name;
  }
  if (missing.empty()) {
    if (const Error* unknown = no_driver(*facts.recipe, target)) {
      // The owner may know better; the modules named there are in the initramfs, else they would be missing.
      const bool named = facts.config && !facts.config->capture.module.empty();
      point.result = named ? PointResult::warning : PointResult::failure;
      point.detail = unknown->reason();
      if (named)
        point.detail += fmt::format("; [capture] module = {}", fmt::join(facts.config->capture.module, ", "));
      point.next = named ? "test it: lifeboat rehearse --real" : unknown->fix;
    }
    return point;
  }
  point.result = PointResult::failure;
  point.detail = fmt::format("{}: neither in the initramfs nor built into {}", missing, facts.release);
  point.next =
      fmt::format("install the modules of {}, or name them as [capture] module; then: lifeboat load --crash",
                  facts.release);
  return point;
}

Point target_space_point(const Facts& facts, const TargetFacts& target) {
  Point point{.name = "room of " + target.name};
  if (!target.store || target.store->space.total == 0) {
    point.detail = target.store ? "cannot read its free space" : "not mounted: its free space is unknown";
    if (target.store) point.result = PointResult::warning;
    if (target.store) point.next = "run this as root";
    return point;
  }
  const DumpSize dump = expected_dump(facts, *target.store);
  const uint64_t free = target.store->space.free, older = removable(*target.store);
  point.detail =
      fmt::format("{} free; a dump may take {} ({})", format_size(free), format_size(dump.bytes), dump.how);
  if (free >= dump.bytes) return point;
  if (free + older >= dump.bytes) {
    point.detail += fmt::format("; {} of older crashes would be removed for it", format_size(older));
    return point;
  }
  // The estimate may be wrong by half, so that is only a warning; a dump does not fit in less than a quarter.
  // Where the configuration accepts a crash without a dump, it is one in either case.
  const bool log_will_do = facts.config && facts.config->dump.log_suffices() && free + older >= kLogRoom;
  point.result = free + older < dump.bytes / 4 && !log_will_do ? PointResult::failure : PointResult::warning;
  if (log_will_do) point.detail += "; if it does not fit, only log and report are saved";
  point.next = "free some space there, add another [target], or choose a higher [dump] level";
  return point;
}

Point target_store_point(const TargetFacts& target) {
  Point point{.name = "store " + target.name};
  if (!target.store) {
    point.detail = "not mounted: not checked";
    return point;
  }
  const StoreFacts& store = *target.store;
  point.detail = store.real == store.path ? "ready" : "ready; its real path is " + store.real;
  const auto bad = [&](PointResult result, std::string detail, std::string next) {
    point.result = result;
    point.detail = std::move(detail);
    point.next = std::move(next);
  };
  if (store.obstacle) {
    bad(PointResult::failure, store.obstacle->message,
        store.obstacle->fix.empty() ? "set [target] path to a folder" : store.obstacle->fix);
  } else if (store.read_only) {
    bad(PointResult::warning, "its file system is mounted read-only, perhaps after an error",
        "see why: dmesg; mount -o remount,rw");
  } else if (store.there && store.owner != 0) {
    bad(PointResult::warning, fmt::format("it belongs to user {}, who could put links there", store.owner),
        fmt::format("chown root:root {}", store.path));
  } else if (store.there && (store.mode & 077) != 0) {
    bad(PointResult::warning,
        fmt::format("other users can access it (mode {:04o}): dumps contain the machine's memory",
                    store.mode),
        fmt::format("chmod 0700 {}", store.path));
  } else if (store.unreadable) {
    bad(PointResult::warning, "cannot read it", "run this as root");
  } else if (!store.there) {
    point.detail = "not there yet: the first capture creates it";
  }
  return point;
}

}  // namespace lifeboat::check
