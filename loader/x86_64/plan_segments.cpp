// SPDX-License-Identifier: GPL-2.0-or-later
// Places the parts of a kernel in memory, in this order: a part comes before those that contain its address.
//   crash: the ELF core headers, and the copy of low memory; their addresses are on the command line or in
//   the headers. Then kernel, initramfs, boot_params (with the addresses of the other two), purgatory (with
//   all of them).
#include "loader/x86_64/plan_segments.h"

#include <sys/random.h>

#include <utility>

#include "loader/plan_builder.h"
#include "loader/x86_64/boot_params.h"
#include "loader/x86_64/entry.h"
#include "loader/x86_64/purgatory/purgatory.h"
#include "src/base/sha256.h"
#include "src/base/size.h"

namespace lifeboat::x86_64 {
namespace {

// Below it lie the BIOS's data, and the page from which other CPUs start.
constexpr uint64_t kLowest = 1_MiB;
// The capture kernel uses the first MiB. A kernel that needs no copy has no data there, and leaves it out of
// the headers that it writes itself (arch/x86/kernel/crash.c, elf_header_exclude_ranges()).
constexpr MemoryRange kFirstMib{0, 1_MiB};
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
  Planner(const PlanInput& input, const Machine& machine, const MachineFacts& facts, PlanBuilder builder)
      : input_(input), machine_(machine), facts_(facts), builder_(std::move(builder)) {}

  Result<LoadPlan> plan() {
    KernelLayout layout = TRY(layout_kernel(input_.kernel, input_.crash, facts_.five_level_paging));
    if (input_.crash) TRY_VOID(place_core());
    TRY_VOID(builder_.check_command_line(layout.longest_command_line));
    const uint64_t entry_offset = layout.entry_offset;
    const bool bzimage = !layout.setup_header.empty();
    const uint64_t initramfs_max = layout.initramfs_max;
    const uint64_t kernel = TRY(place_kernel(layout));
    plan_.kernel_entry = kernel + entry_offset;
    const MemoryRange initramfs = TRY(builder_.place_initramfs(initramfs_max));
    const std::vector<MemoryMapEntry> map = memory_map();
    for (const auto& entry : map)
      plan_.memory_map.push_back({entry.range, std::string(memory_type_name(entry.type))});
    const uint64_t boot_params =
        TRY(place_boot_params({.bzimage = bzimage ? ByteSpan(input_.kernel.bytes) : ByteSpan(),
                               .command_line = plan_.command_line,
                               .initramfs = initramfs,
                               .memory_map = map,
                               .random_seed = random_seed()}));
    TRY_VOID(place_purgatory(boot_params));
    return std::move(builder_).finish();
  }

 private:
  Result<> place_core() {
    // A kernel that writes the headers itself also reserves the first MiB (an older change), and does not
    // support a copy.
    if (!plan_.kernel_updates_core_headers) {
      const uint64_t at = TRY(builder_.take({.what = "the copy of low memory", .size = kLowMemory.size()}));
      copy_ = MemoryCopy{kLowMemory, at};
      builder_.add("copy of low memory", at, kLowMemory.size(), {}, false);
    }
    UsedMemory used{.lost = {}, .copy = copy_};
    if (!copy_) used.lost = {kFirstMib};
    core_headers_ = TRY(builder_.place_core_headers(used));
    builder_.prepend_parameter(fmt::format("elfcorehdr={:#x}", core_headers_.begin));
    return {};
  }

  // At its linked address, if that is free: it does not relocate itself then. Else as low as possible, but
  // not below that address, because the decompressor would move it up again.
  Result<uint64_t> place_kernel(KernelLayout& layout) {
    uint64_t address = layout.preferred;
    if (!builder_.take_at(layout.preferred, layout.memory_size)) {
      if (layout.alignment == 0) {
        return std::unexpected(
            Error(ErrorCode::no_space, fmt::format("{} must be loaded at {:#x}, and that memory is in use",
                                                   input_.kernel.name, layout.preferred))
                .hint("use a relocatable kernel (CONFIG_RELOCATABLE=y)"));
      }
      address = TRY(builder_.take({.what = "the kernel",
                                   .size = layout.memory_size,
                                   .alignment = layout.alignment,
                                   .min = layout.preferred,
                                   .order = MemoryRequest::Order::lowest}));
    }
    builder_.add("kernel", address, layout.memory_size, std::move(layout.bytes), true);
    return address;
  }

  [[nodiscard]] std::vector<MemoryMapEntry> memory_map() const {
    if (!input_.crash) return facts_.firmware_map;
    // It must not use these as free memory before it has read them.
    std::vector<MemoryRange> kept{core_headers_};
    if (copy_) kept.push_back({copy_->address, copy_->address + copy_->range.size()});
    return capture_map(machine_.resources, builder_.capture_ram(std::move(kept)));
  }

  Result<uint64_t> place_boot_params(const BootFacts& boot) {
    const size_t size = TRY(build_boot_params(boot, facts_, 0)).size();
    const uint64_t at = TRY(builder_.take({.what = "the boot parameters", .size = size}));
    builder_.add("boot parameters", at, size, TRY(build_boot_params(boot, facts_, at)), true);
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
    const uint64_t at =
        TRY(builder_.take({.what = "purgatory", .size = purgatory_size(), .alignment = kPurgatoryAlignment}));
    plan_.entry = at;
    builder_.add("purgatory", at, purgatory_size(), TRY(make_purgatory(arguments)), false);
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
    for (const std::string* line : {&std::as_const(plan_.command_line), &machine_.command_line}) {
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
  const MachineFacts& facts_;
  PlanBuilder builder_;
  LoadPlan& plan_ = builder_.plan();
  MemoryRange core_headers_{};
  std::optional<MemoryCopy> copy_;
};

}  // namespace

Result<LoadPlan> plan_segments(const PlanInput& input, const Machine& machine, const MachineFacts& facts) {
  PlanBuilder builder = TRY(PlanBuilder::start(input, machine, names_of_no_ram(), kLowest));
  return Planner(input, machine, facts, std::move(builder)).plan();
}

}  // namespace lifeboat::x86_64
