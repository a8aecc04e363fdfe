// SPDX-License-Identifier: GPL-2.0-or-later
// The steps of a plan that are the same on every architecture: where memory is free, the ELF core headers,
// the initramfs, the list of segments. An architecture's plan takes these steps, and adds its own parts
// between them. A part is placed before those that contain its address.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loader/placement.h"
#include "loader/plan.h"
#include "src/base/error.h"

namespace lifeboat {

class PlanBuilder {
 public:
  // Both must outlive the builder. Every part lies at or above `lowest`, none in memory with one of the names
  // `no_ram` (loadable_ram()). `not_found`: a crash kernel, and no memory reserved for it.
  static Result<PlanBuilder> start(const PlanInput& input, const Machine& machine,
                                   std::span<const std::string_view> no_ram, uint64_t lowest);

  // As Placement does; the error has a fix.
  Result<uint64_t> take(const MemoryRequest& wanted);
  bool take_at(uint64_t address, uint64_t size) { return placement_.take_at(address, size); }
  // A segment in memory that was taken.
  void add(std::string name, uint64_t address, uint64_t size, std::vector<std::byte> bytes, bool digested);

  // Builds and places the ELF core headers; warns of what dump readers will not find in them. Returns the
  // pages that they lie in. `not_found` as of core_segments().
  Result<MemoryRange> place_core_headers(const UsedMemory& used);
  // In front of the user's: what follows "--" is for init.
  void prepend_parameter(std::string_view parameter);
  // `longest` without the NUL.
  [[nodiscard]] Result<> check_command_line(uint64_t longest) const;
  // At the highest free address below `max`. Empty: there is no initramfs.
  Result<MemoryRange> place_initramfs(uint64_t max);

  // The memory that a capture kernel may use as its own: all reservations less `kept`.
  [[nodiscard]] std::vector<MemoryRange> capture_ram(std::vector<MemoryRange> kept) const;

  LoadPlan& plan() { return plan_; }
  // Sorts the segments. `unsupported`: there are too many.
  Result<LoadPlan> finish() &&;

 private:
  PlanBuilder(const PlanInput& input, const Machine& machine, Placement placement)
      : input_(input), machine_(machine), placement_(std::move(placement)) {}

  const PlanInput& input_;
  const Machine& machine_;
  Placement placement_;
  LoadPlan plan_;
};

}  // namespace lifeboat
