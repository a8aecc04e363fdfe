// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/reserved.h"

#include <unistd.h>

#include "loader/machine.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/reservation/crash_cma.h"

namespace lifeboat::reservation {
namespace {

constexpr uint64_t kFourGiB = uint64_t{4} << 30;

// The file was moved; the old name is a link that may be removed in later kernels.
std::string size_file(const SystemPaths& paths) {
  const std::string now = paths.sys + "/kernel/kexec/crash_size";
  return ::access(now.c_str(), F_OK) == 0 ? now : paths.sys + "/kernel/kexec_crash_size";
}

// All RAM of the kernel, including the reservation and the kernel's own memory.
uint64_t ram_of(const std::vector<Resource>& resources) {
  std::vector<MemoryRange> ram;
  for (const auto& resource : resources) {
    if (resource.depth == 0 && resource.name == "System RAM") ram.push_back(resource.range);
  }
  return total_size(normalized(std::move(ram)));
}

// What the kernel's own image and firmware tables have taken is a child of its RAM.
std::vector<MemoryRange> free_of(const std::vector<Resource>& resources) {
  std::vector<MemoryRange> ram, taken;
  for (const auto& resource : resources) {
    if (resource.depth == 0 && resource.name == "System RAM") ram.push_back(resource.range);
    const bool own = resource.name.starts_with("Kernel ") || resource.name == "reserved";
    if (resource.depth > 0 && own) taken.push_back(resource.range);
  }
  return subtract(std::move(ram), std::move(taken));
}

}  // namespace

Reserved read_reserved(const SystemPaths& paths) {
  Reserved reserved;
  if (const auto line = read_text(paths.proc + "/cmdline")) reserved.asked = crashkernel_request(*line);
  reserved.got = read_system_state(paths).crash_size;
  if (const auto text = read_text(paths.iomem_file(), 16_MiB)) {
    const auto resources = parse_iomem(*text);
    if (resources) {
      reserved.ram = ram_of(*resources);
      reserved.free = free_of(*resources);
      const auto ranges = crash_reservation(*resources);
      reserved.low = intersect(ranges, {0, kFourGiB});
      reserved.high = intersect(ranges, {kFourGiB, UINT64_MAX});
    } else {
      reserved.addresses_hidden = resources.error().code == ErrorCode::no_permission;
    }
  }
  reserved.cma = read_crash_cma(paths.sys);
  if (!reserved.asked.cma || shows_crash_cma(paths)) reserved.cma_got = total_size(reserved.cma);
  if (reserved.asked.main && (reserved.ram || reserved.asked.main->ranges.empty())) {
    const uint64_t ram = reserved.ram.value_or(UINT64_MAX >> 1);
    reserved.asked_size = reserved.asked.main->size_for(ram, false);
    reserved.asked_size_rounded = reserved.asked.main->size_for(ram, true);
  }
  return reserved;
}

std::string cma_shortage(const Reserved& reserved) {
  const auto& asked = reserved.asked.cma;
  if (!asked || asked->size == 0) return {};
  if (!reserved.cma_got) {
    return fmt::format("crashkernel={}: this kernel does not show how much it reserved, so it is not counted",
                       asked->text);
  }
  if (*reserved.cma_got >= asked->size) return {};
  if (*reserved.cma_got != 0) {
    return fmt::format("crashkernel={}: only {} of {} were free", asked->text, format_size(*reserved.cma_got),
                       format_size(asked->size));
  }
  if (!reserved.asked.main || reserved.got == uint64_t{0})
    return fmt::format("crashkernel={}: nothing, because the reservation that it adds to is missing",
                       asked->text);
  return fmt::format("crashkernel={}: nothing was reserved: no memory was free, or this kernel ignores it",
                     asked->text);
}

Result<uint64_t> shrink_reservation(const SystemPaths& paths, uint64_t size) {
  const SystemState state = read_system_state(paths);
  if (!state.crash_size) {
    return std::unexpected(
        Error(ErrorCode::unsupported, "the running kernel does not report the size of its reservation")
            .hint("it needs CONFIG_CRASH_DUMP=y, and /sys mounted"));
  }
  if (state.crash_loaded != false) {
    return std::unexpected(
        Error(ErrorCode::busy, "cannot shrink the reservation while a capture kernel is loaded")
            .hint("run 'lifeboat unload --crash', then this command, then 'lifeboat load --crash'"));
  }
  if (size >= *state.crash_size) {
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("{} are reserved: {} is not less", format_size(*state.crash_size),
                                            format_size(size)))
            .hint("to increase it: 'lifeboat reserve set SIZE', then reboot"));
  }
  const std::string path = size_file(paths);
  TRY_VOID(write_pseudo_file(path, fmt::format("{}\n", size)));
  const auto now = read_line(path);
  const auto number = now ? parse_number(*now) : std::nullopt;
  if (!number) return fail(ErrorCode::io, "cannot read the new size from {}", path);
  return *number;
}

}  // namespace lifeboat::reservation
