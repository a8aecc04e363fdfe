// SPDX-License-Identifier: GPL-2.0-or-later
// Places the parts of a kernel in memory, in this order: a part comes before those that contain its address.
//   crash: the ELF core headers, and the copy of low memory; their addresses are on the command line or in
//   the headers. Then kernel, initramfs, boot_params (with the addresses of the other two), purgatory (with
//   all of them).
#include "loader/plan.h"

#include <elf.h>
#include <sys/random.h>

#include <algorithm>

#include "loader/placement.h"
#include "loader/x86_64/boot_params.h"
#include "loader/x86_64/entry.h"
#include "loader/x86_64/purgatory/purgatory.h"
#include "loader/x86_64/purgatory/sha256.h"
#include "src/base/size.h"

namespace lifeboat {
namespace x86_64 {
namespace {

constexpr uint64_t kPage = 4096;
// Below it lie the BIOS's data, and the page from which other CPUs start.
constexpr uint64_t kLowest = 1_MiB;
// The part of the first MiB that a capture kernel uses, and where kernels before 5.5 have data
// (arch/x86/kernel/crash.c of that time: KEXEC_BACKUP_SRC_END).
constexpr MemoryRange kLowMemory{0, 640_KiB};

std::vector<std::byte> random_seed() {
  std::vector<std::byte> seed(32);
  // Early in a boot there is no randomness available; the kernel works without a seed.
  if (::getrandom(seed.data(), seed.size(), GRND_NONBLOCK) != static_cast<ssize_t>(seed.size())) seed.clear();
  return seed;
}

class Planner {
 public:
  Planner(const PlanInput& input, const Machine& machine)
      : input_(input),
        machine_(machine),
        placement_(free_memory(input, machine), {std::max(kLowest, input.memory_min), input.memory_max}) {}

  Result<LoadPlan> plan() {
    KernelLayout layout = TRY(layout_kernel(input_.kernel, input_.crash, machine_.five_level_paging));
    plan_.command_line = input_.command_line;
    if (input_.crash) TRY_VOID(place_core());
    TRY_VOID(check_command_line(layout));
    const uint64_t entry_offset = layout.entry_offset;
    const bool bzimage = !layout.setup_header.empty();
    const uint64_t initramfs_max = layout.initramfs_max;
    const uint64_t kernel = TRY(place_kernel(layout));
    plan_.kernel_entry = kernel + entry_offset;
    const MemoryRange initramfs = TRY(place_initramfs(initramfs_max));
    plan_.memory_map = memory_map();
    const uint64_t boot_params =
        TRY(place_boot_params({.bzimage = bzimage ? ByteSpan(input_.kernel.bytes) : ByteSpan(),
                               .command_line = plan_.command_line,
                               .initramfs = initramfs,
                               .memory_map = plan_.memory_map,
                               .random_seed = random_seed()}));
    TRY_VOID(place_purgatory(boot_params));
    std::ranges::sort(plan_.segments, {}, &Segment::address);
    return std::move(plan_);
  }

 private:
  // The kernel accepts segments of a crash load in crashk_res alone, which is the last range of the
  // reservation (kernel/kexec_core.c, sanity_check_segment_list()).
  static std::vector<MemoryRange> free_memory(const PlanInput& input, const Machine& machine) {
    if (!input.crash) return loadable_ram(machine.resources);
    if (machine.crash_reservation.empty()) return {};
    return {machine.crash_reservation.back()};
  }

  Segment& add(std::string name, uint64_t address, uint64_t size, std::vector<std::byte> bytes,
               bool digested) {
    plan_.segments.push_back({.name = std::move(name),
                              .address = address,
                              .memory_size = align_up(size, kPage),
                              .bytes = std::move(bytes),
                              .digested = digested});
    return plan_.segments.back();
  }

  Result<> place_core() {
    plan_.kernel_updates_core_headers = machine_.elfcorehdr_size.has_value();
    // A kernel that writes the headers itself also reserves the first MiB (an older change), and does not
    // support a copy.
    if (!plan_.kernel_updates_core_headers) {
      const uint64_t at = TRY(placement_.take({.what = "the copy of low memory", .size = kLowMemory.size()}));
      copy_ = LowMemoryCopy{kLowMemory, at};
      add("copy of low memory", at, kLowMemory.size(), {}, false);
    }
    plan_.core = TRY(core_segments(machine_, copy_));
    auto headers = TRY(build_core_headers(plan_.core, EM_X86_64));
    const uint64_t size = std::max<uint64_t>(headers.size(), machine_.elfcorehdr_size.value_or(0));
    const uint64_t at = TRY(placement_.take({.what = "the ELF core headers", .size = size}));
    core_headers_ = MemoryRange{at, at + align_up(size, kPage)};
    add("ELF core headers", at, size, std::move(headers), !plan_.kernel_updates_core_headers);
    // In front: what follows "--" is for init.
    const bool alone = plan_.command_line.empty();
    plan_.command_line = fmt::format("elfcorehdr={:#x}{}{}", at, alone ? "" : " ", plan_.command_line);
    warn_of_gaps();
    return {};
  }

  void warn_of_gaps() {
    if (!machine_.text)
      plan_.warnings.emplace_back(
          "cannot read the kernel's own mapping from /proc/kallsyms: some tools cannot open the dump");
    if (!machine_.direct_map)
      plan_.warnings.emplace_back(
          "cannot read the direct map from /proc/kcore: the dump's headers have physical addresses only");
  }

  [[nodiscard]] Result<> check_command_line(const KernelLayout& layout) const {
    if (plan_.command_line.size() <= layout.longest_command_line) return {};
    return std::unexpected(
        Error(ErrorCode::usage,
              fmt::format("the command line has {} characters; {} takes {}", plan_.command_line.size(),
                          input_.kernel.name, layout.longest_command_line))
            .hint("shorten it: give the whole line with --command-line"));
  }

  // At its linked address, if that is free: it does not relocate itself then. Else as low as possible, but
  // not below that address, because the decompressor would move it up again.
  Result<uint64_t> place_kernel(KernelLayout& layout) {
    uint64_t address = layout.preferred;
    if (!placement_.take_at(layout.preferred, layout.memory_size)) {
      if (layout.alignment == 0) {
        return std::unexpected(
            Error(ErrorCode::no_space, fmt::format("{} must be loaded at {:#x}, and that memory is in use",
                                                   input_.kernel.name, layout.preferred))
                .hint("use a relocatable kernel (CONFIG_RELOCATABLE=y)"));
      }
      address = TRY(placement_.take({.what = "the kernel",
                                     .size = layout.memory_size,
                                     .alignment = layout.alignment,
                                     .min = layout.preferred,
                                     .order = MemoryRequest::Order::lowest}));
    }
    add("kernel", address, layout.memory_size, std::move(layout.bytes), true);
    return address;
  }

  Result<MemoryRange> place_initramfs(uint64_t max) {
    const uint64_t size = input_.initramfs.size();
    if (size == 0) return MemoryRange{};
    const uint64_t at = TRY(placement_.take({.what = "the initramfs", .size = size, .max = max}));
    add("initramfs", at, size, {input_.initramfs.begin(), input_.initramfs.end()}, true);
    return MemoryRange{at, at + size};
  }

  [[nodiscard]] std::vector<MemoryMapEntry> memory_map() const {
    if (!input_.crash) return machine_.firmware_map;
    auto own = machine_.crash_reservation;
    own.insert(own.end(), machine_.crash_cma.begin(), machine_.crash_cma.end());
    // It must not use these as free memory before it has read them.
    std::vector<MemoryRange> kept{core_headers_};
    if (copy_) kept.push_back({copy_->address, copy_->address + copy_->range.size()});
    return capture_map(machine_.resources, subtract(std::move(own), std::move(kept)));
  }

  Result<uint64_t> place_boot_params(const BootFacts& facts) {
    const size_t size = TRY(build_boot_params(facts, machine_, 0)).size();
    const uint64_t at = TRY(placement_.take({.what = "the boot parameters", .size = size}));
    add("boot parameters", at, size, TRY(build_boot_params(facts, machine_, at)), true);
    return at;
  }

  Result<> place_purgatory(uint64_t boot_params) {
    PurgatoryArguments arguments{.kernel_entry = plan_.kernel_entry, .boot_params = boot_params};
    arguments.serial_port = serial_port();
    if (copy_) {
      arguments.copy_from = copy_->range.begin;
      arguments.copy_to = copy_->address;
      arguments.copy_size = copy_->range.size();
    }
    if (input_.verify) add_digest(arguments);
    const uint64_t at = TRY(
        placement_.take({.what = "purgatory", .size = purgatory_size(), .alignment = kPurgatoryAlignment}));
    plan_.entry = at;
    add("purgatory", at, purgatory_size(), TRY(make_purgatory(arguments)), false);
    return {};
  }

  void add_digest(PurgatoryArguments& arguments) const {
    Sha256 sha;
    for (const auto& segment : plan_.segments) {
      if (!segment.digested) continue;
      arguments.digested.push_back({segment.address, segment.bytes.size()});
      sha.update(segment.bytes.data(), segment.bytes.size());
    }
    arguments.digest.resize(Sha256::kDigestBytes);
    sha.finish(reinterpret_cast<uint8_t*>(arguments.digest.data()));
  }

  // The UART of the last console=ttyS of the new kernel, else of the running one; else the first.
  [[nodiscard]] uint16_t serial_port() const {
    constexpr std::string_view kConsole = "console=ttyS";
    constexpr uint16_t kPorts[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    for (const std::string* line : {&plan_.command_line, &machine_.command_line}) {
      const size_t at = line->rfind(kConsole);
      if (at == std::string::npos || at + kConsole.size() >= line->size()) continue;
      const std::string_view name = std::string_view(*line).substr(at + kConsole.size());
      const auto number = parse_number(name.substr(0, name.find_first_of(", ")));
      if (number && *number < std::size(kPorts)) return kPorts[*number];
    }
    return kPorts[0];
  }

  const PlanInput& input_;
  const Machine& machine_;
  Placement placement_;
  LoadPlan plan_;
  MemoryRange core_headers_{};
  std::optional<LowMemoryCopy> copy_;
};

}  // namespace
}  // namespace x86_64

Result<LoadPlan> plan_load(const PlanInput& input, const Machine& machine) {
  if (input.crash && machine.crash_reservation.empty()) {
    return std::unexpected(Error(ErrorCode::not_found, "no memory is reserved for a capture kernel")
                               .hint("put crashkernel=256M on the kernel command line and reboot"));
  }
  auto plan = x86_64::Planner(input, machine).plan();
  if (!plan && plan.error().code == ErrorCode::no_space) {
    const bool limited = input.memory_min != 0 || input.memory_max != UINT64_MAX;
    return std::unexpected(std::move(plan).error().hint(
        limited ? "widen --mem-min and --mem-max"
        : input.crash
            ? "raise crashkernel= on the kernel command line and reboot, or make the initramfs smaller"
            : "make the initramfs smaller; 'cat /proc/iomem' shows the memory"));
  }
  if (plan && plan->segments.size() > kMaxSegments) {
    return fail(ErrorCode::unsupported, "{} segments are needed, and kexec_load(2) takes {}",
                plan->segments.size(), kMaxSegments);
  }
  return plan;
}

}  // namespace lifeboat
