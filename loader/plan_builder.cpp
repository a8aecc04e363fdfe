// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/plan_builder.h"

#include <algorithm>

#include "src/base/bytes.h"

namespace lifeboat {
namespace {

// The kernel accepts segments of a crash load in crashk_res alone, which is the last range of the reservation
// (kernel/kexec_core.c, sanity_check_segment_list()).
std::vector<MemoryRange> free_memory(const PlanInput& input, const Machine& machine,
                                     std::span<const std::string_view> no_ram) {
  if (!input.crash) return loadable_ram(machine.resources, no_ram, machine.page_size);
  return {machine.crash_reservation.back()};
}

}  // namespace

Result<PlanBuilder> PlanBuilder::start(const PlanInput& input, const Machine& machine,
                                       std::span<const std::string_view> no_ram, uint64_t lowest) {
  if (input.crash && machine.crash_reservation.empty()) {
    return std::unexpected(Error(ErrorCode::not_found, "no memory is reserved for a capture kernel")
                               .hint("lifeboat reserve set auto, then reboot"));
  }
  PlanBuilder builder(input, machine,
                      Placement(free_memory(input, machine, no_ram),
                                {std::max(lowest, input.memory_min), input.memory_max}, machine.page_size));
  builder.plan_.command_line = input.command_line;
  builder.plan_.kernel_updates_core_headers = input.crash && machine.elfcorehdr_size.has_value();
  return builder;
}

Result<uint64_t> PlanBuilder::take(const MemoryRequest& wanted) {
  auto address = placement_.take(wanted);
  if (address) return address;
  const bool limited = input_.memory_min != 0 || input_.memory_max != UINT64_MAX;
  return std::unexpected(std::move(address).error().hint(
      limited        ? "widen --mem-min and --mem-max"
      : input_.crash ? "lifeboat reserve set auto, then reboot; or make the initramfs smaller"
                     : "make the initramfs smaller; 'cat /proc/iomem' shows the memory"));
}

void PlanBuilder::add(std::string name, uint64_t address, uint64_t size, std::vector<std::byte> bytes,
                      bool digested) {
  plan_.segments.push_back({.name = std::move(name),
                            .address = address,
                            .memory_size = align_up(size, machine_.page_size),
                            .bytes = std::move(bytes),
                            .digested = digested});
}

Result<MemoryRange> PlanBuilder::place_core_headers(const UsedMemory& used) {
  plan_.core = TRY(core_segments(machine_, used));
  auto headers = TRY(build_core_headers(plan_.core));
  const uint64_t size = std::max<uint64_t>(headers.size(), machine_.elfcorehdr_size.value_or(0));
  const uint64_t at = TRY(take({.what = "the ELF core headers", .size = size}));
  add("ELF core headers", at, size, std::move(headers), !plan_.kernel_updates_core_headers);
  if (!machine_.mapping.text)
    plan_.warnings.emplace_back(
        "cannot read the kernel's own mapping from /proc/kallsyms: some tools cannot open the dump");
  if (!machine_.mapping.direct_map)
    plan_.warnings.emplace_back(
        "cannot read the direct map from /proc/kcore: the dump's headers have physical addresses only");
  return MemoryRange{at, at + align_up(size, machine_.page_size)};
}

void PlanBuilder::prepend_parameter(std::string_view parameter) {
  std::string& line = plan_.command_line;
  line = fmt::format("{}{}{}", parameter, line.empty() ? "" : " ", line);
}

Result<> PlanBuilder::check_command_line(uint64_t longest) const {
  if (plan_.command_line.size() <= longest) return {};
  return std::unexpected(
      Error(ErrorCode::usage, fmt::format("the command line has {} characters; {} takes {}",
                                          plan_.command_line.size(), input_.kernel.name, longest))
          .hint("shorten it: give the whole line with --command-line"));
}

Result<MemoryRange> PlanBuilder::place_initramfs(uint64_t max) {
  const uint64_t size = input_.initramfs.size();
  if (size == 0) return MemoryRange{};
  const uint64_t at = TRY(take({.what = "the initramfs", .size = size, .max = max}));
  add("initramfs", at, size, {input_.initramfs.begin(), input_.initramfs.end()}, true);
  return MemoryRange{at, at + size};
}

std::vector<MemoryRange> PlanBuilder::capture_ram(std::vector<MemoryRange> kept) const {
  auto own = machine_.crash_reservation;
  own.insert(own.end(), machine_.crash_cma.begin(), machine_.crash_cma.end());
  return subtract(std::move(own), std::move(kept));
}

Result<LoadPlan> PlanBuilder::finish() && {
  if (plan_.segments.size() > kMaxSegments) {
    return fail(ErrorCode::unsupported, "{} segments are needed, and kexec_load(2) takes {}",
                plan_.segments.size(), kMaxSegments);
  }
  std::ranges::sort(plan_.segments, {}, &Segment::address);
  return std::move(plan_);
}

}  // namespace lifeboat
