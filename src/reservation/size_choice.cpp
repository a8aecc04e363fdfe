// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/size_choice.h"

#include <algorithm>

#include "loader/load_architecture.h"
#include "loader/machine.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/reservation/crash_cma.h"
#include "src/reservation/crashkernel.h"
#include "src/reservation/crashkernel_parameters.h"
#include "src/reservation/reserve_record.h"
#include "src/reservation/reserved.h"
#include "src/reservation/xen_boot.h"

namespace lifeboat::reservation {
namespace {

std::unexpected<Error> too_little(uint64_t size, const Estimate& needed, const char* verb) {
  return std::unexpected(Error(ErrorCode::usage, fmt::format("{} is not enough: about {} is needed",
                                                             format_size(size), format_size(needed.total)))
                             .hint(fmt::format("give at least that ('lifeboat reserve estimate' shows the "
                                               "sum), or use --force to {} it anyway",
                                               verb)));
}

// The value becomes words of files that a shell or a boot loader reads: nothing in it may end a word, a
// string or a line of them.
Result<> check_characters(std::string_view value) {
  constexpr std::string_view kCharacters =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@:,.- ";
  if (value.find_first_not_of(kCharacters) == std::string_view::npos) return {};
  return std::unexpected(
      Error(ErrorCode::usage, fmt::format("crashkernel={} has a character that no size has", one_line(value)))
          .hint(kCrashKernelFix));
}

// The kernel uses the last size of a kind, and ignores one with ,high beside one without: who wrote both
// meant something else.
Result<> check_one_main(const std::string& value, const CrashKernelRequest& request) {
  const auto count = [&](CrashKernelKind kind) {
    return std::ranges::count(request.parameters, kind, &CrashKernelParameter::kind);
  };
  if (count(CrashKernelKind::low) > 0 && count(CrashKernelKind::high) == 0) {
    // parse_crashkernel(), kernel/crash_reserve.c: ,low is looked for only after ,high.
    return std::unexpected(
        Error(
            ErrorCode::usage,
            fmt::format("crashkernel={}: the kernel ignores a size with ,low without one with ,high", value))
            .hint("leave it out, or write ,high behind the main size: '256M,high 128M,low'"));
  }
  const bool mains = count(CrashKernelKind::normal) + count(CrashKernelKind::high) > 1;
  if (!mains && count(CrashKernelKind::low) <= 1 && count(CrashKernelKind::cma) <= 1) return {};
  return std::unexpected(
      Error(ErrorCode::usage, fmt::format("crashkernel={} has {}, and the kernel would use one of them",
                                          value, mains ? "two main sizes" : "two sizes of one kind"))
          .hint("give one size, or '256M,high 128M,low'; sizes by the machine's memory are one word: "
                "2G-64G:256M,64G-:512M"));
}

// What the kernel would accept: the main parameter, which reserves for the capture kernel itself, and others.
Result<CrashKernelRequest> parse_value(const std::string& value) {
  TRY_VOID(check_characters(value));
  std::string parameters;
  for (const auto& parameter : parameters_of(value)) parameters += parameter + " ";
  auto request = crashkernel_request(parameters);
  if (!request.mistakes.empty())
    return std::unexpected(Error(ErrorCode::usage, request.mistakes.front()).hint(kCrashKernelFix));
  if (!request.main) {
    return std::unexpected(
        Error(ErrorCode::usage,
              fmt::format("crashkernel={} reserves no memory for the capture kernel itself", value))
            .hint("give the main size too, in one argument: '256M,high 128M,low'"));
  }
  TRY_VOID(check_one_main(value, request));
  if (request.main->ranges.empty() && request.main->size < 1_MiB) {
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("crashkernel={} is less than a megabyte", request.main->text))
            .hint("a size without a unit is in bytes: write 256M"));
  }
  return request;
}

// What ,cma would add by the running kernel's own judgement; 0 with a warning where that is not known.
uint64_t counted_cma(const SizeRequest& request, const CrashKernelRequest& asked,
                     std::vector<std::string>& warnings) {
  if (!asked.cma || asked.cma->size == 0) return 0;
  for (const auto& cost : crash_cma_costs())
    warnings.push_back(fmt::format("crashkernel={}: {}", asked.cma->text, cost));
  if (const auto level = level_with_user_pages(request.levels)) {
    warnings.push_back(
        fmt::format("crashkernel={}: [dump] level {} keeps user pages, and would miss those in this memory",
                    asked.cma->text, *level));
  }
  const auto support = crash_cma_support(request.paths);
  if (support == CmaSupport::yes) return asked.cma->size;
  warnings.push_back(fmt::format("crashkernel={}: {}, so it is not counted", asked.cma->text,
                                 support == CmaSupport::no ? "the running kernel ignores it"
                                                           : "it is not known whether the kernel can do it"));
  return 0;
}

// The bounce buffers of the capture kernel lie below 4 GiB.
void check_low(const CrashKernelRequest& asked, const Estimate& needed, std::vector<std::string>& warnings) {
  constexpr uint64_t kBesides = 8_MiB;  // for devices that reach no more (arch_reserve_crashkernel())
  if (!asked.low || needed.bounce_buffers == 0 || asked.low->size >= needed.bounce_buffers + kBesides) return;
  warnings.push_back(fmt::format("crashkernel={} may not be enough: the bounce buffers of {} lie below 4 GiB",
                                 asked.low->text, format_size(needed.bounce_buffers)));
}

// Refuses what the kernel can never reserve: more than there is, or at an invalid address.
Result<> check_possible(const CrashKernelParameter& asked, std::optional<uint64_t> ram,
                        std::vector<std::string>& warnings) {
  const uint64_t alignment = this_architecture().reservation_alignment();
  if (asked.offset && *asked.offset % alignment != 0) {
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("crashkernel={}: {:#x} is not a multiple of {} MiB", asked.text,
                                            *asked.offset, alignment / 1_MiB))
            .hint("leave out '@' and the address: the kernel then chooses one"));
  }
  if (!asked.ranges.empty() || !ram || asked.size <= *ram / 2) return {};
  const std::string what =
      fmt::format("crashkernel={}: this machine has {} of memory", asked.text, format_size(*ram));
  if (asked.size >= *ram) {
    return std::unexpected(
        Error(ErrorCode::usage, what).hint("run 'lifeboat reserve estimate' to see how much is needed"));
  }
  warnings.push_back(what + "; less than half of it would be left for the running system");
  return {};
}

Result<> check_enough(const std::string& value, const CrashKernelRequest& request, uint64_t cma,
                      std::optional<uint64_t> ram, const Estimator& estimate,
                      std::vector<std::string>& warnings) {
  const CrashKernelParameter& asked = *request.main;
  if (!ram && !asked.ranges.empty()) return {};
  const uint64_t size = std::max(asked.size_for(ram.value_or(UINT64_MAX), false),
                                 asked.size_for(ram.value_or(UINT64_MAX), true));
  const auto needed = estimate();
  if (size == 0 || (needed && size < needed->least)) {
    if (needed) return too_little(size, *needed, "set");
    return std::unexpected(
        Error(
            ErrorCode::usage,
            fmt::format("crashkernel={} reserves nothing on this machine: no range has a size for its memory",
                        value))
            .hint("give one size, like 256M, or a range for this machine's memory"));
  }
  if (needed) check_low(request, *needed, warnings);
  if (needed && size + cma < needed->total) {
    warnings.push_back(fmt::format("{} may not be enough: about {} is needed ('lifeboat reserve estimate')",
                                   format_size(size + cma), format_size(needed->total)));
  }
  return {};
}

Result<> check_value(const SizeRequest& request, const Estimator& estimate,
                     std::vector<std::string>& warnings) {
  const auto asked = TRY(parse_value(request.size));
  if (!request.this_machine || request.force) return {};
  const auto ram = read_reserved(request.paths).ram;
  TRY_VOID(check_possible(*asked.main, ram, warnings));
  const uint64_t cma = counted_cma(request, asked, warnings);
  return check_enough(request.size, asked, cma, ram, estimate, warnings);
}

// The estimate in two parts, where that is possible. The user asked for it: the costs are told, not refused.
Result<std::string> shared_value(const SizeRequest& request, const Estimate& needed,
                                 std::vector<std::string>& warnings) {
  const auto support = request.this_machine ? crash_cma_support(request.paths) : CmaSupport::unknown;
  if (support != CmaSupport::yes && !request.force) {
    return std::unexpected(
        Error(ErrorCode::unsupported, support == CmaSupport::no
                                          ? "the running kernel has no crashkernel=,cma"
                                          : "it is not known whether the kernel has crashkernel=,cma")
            .hint("use 'lifeboat reserve set auto'; --force sets it anyway, for a kernel that has it"));
  }
  if (const auto level = level_with_user_pages(request.levels); level && !request.force) {
    return std::unexpected(
        Error(ErrorCode::usage,
              fmt::format("[dump] level {} keeps user pages, and with crashkernel=,cma some would be missing",
                          *level))
            .hint("use 'lifeboat reserve set auto', or levels that leave user pages out (31)"));
  }
  std::string value = value_with_cma(needed);
  if (value.empty()) {
    return std::unexpected(
        Error(ErrorCode::unsupported, "the capture kernel needs all of the estimate for itself")
            .hint("use 'lifeboat reserve set auto'"));
  }
  for (const auto& cost : crash_cma_costs()) warnings.push_back("crashkernel=,cma: " + cost);
  if (!shows_crash_cma(request.paths)) {
    warnings.emplace_back(
        "crashkernel=,cma: this kernel does not show what it reserved; 'lifeboat check' cannot count it");
  }
  return value;
}

Result<std::string> auto_value(const SizeRequest& request, const Estimate& needed,
                               std::vector<std::string>& warnings) {
  if (request.auto_parts == AutoParts::with_cma) return shared_value(request, needed, warnings);
  return fmt::format("{}M", needed.total / 1_MiB);
}

BootLoader recorded_loader(const std::string& root) {
  return parse_boot_loader(read_record(root).boot_loader).value_or(BootLoader::bls);
}

bool entries_have_value(const std::string& root) {
  const auto loader = recorded_loader(root);
  return loader == BootLoader::bls || loader == BootLoader::systemd_boot;
}

// What follows "crashkernel="; empty: none. nullopt: there is nothing to set again.
Result<std::optional<std::string>> choose_value(const SizeRequest& request, const Estimator& estimate,
                                                std::vector<std::string>& warnings) {
  if (request.size == "none") return "";
  if (request.size == "again") {
    // Other boot loaders' tools make new entries from their own settings, which have the value.
    if (!entries_have_value(request.root)) return std::nullopt;
    auto value = remembered_value(request.root);
    if (!value) return std::nullopt;
    if (auto valid = check_characters(*value); !valid) {
      return std::unexpected(std::move(valid)
                                 .error()
                                 .context("the value that was set last (/var/lib/lifeboat/reserve.json)")
                                 .hint("run 'lifeboat reserve set SIZE'"));
    }
    return value;
  }
  if (request.size == "auto") return TRY(auto_value(request, TRY(estimate()), warnings));
  TRY_VOID(check_value(request, estimate, warnings));
  return request.size;
}

}  // namespace

Result<std::optional<SettingRequest>> choose_setting(const SizeRequest& request, const Estimator& estimate,
                                                     std::vector<std::string>& warnings) {
  const bool sets = request.size != "none" && request.size != "again";
  if (sets && request.this_machine && !request.force &&
      read_xen_domain(request.paths.sys, request.paths.proc) == XenDomain::dom0)
    return std::unexpected(set_in_dom0());
  auto value = TRY(choose_value(request, estimate, warnings));
  if (!value) return std::nullopt;
  SettingRequest setting{.root = request.root,
                         .boot_loader = request.boot_loader,
                         .value = *std::move(value),
                         .force = request.force};
  // Only new boot entries can lack the value: GRUB's configuration applies to all kernels.
  if (request.size == "again") setting.boot_loader = recorded_loader(request.root);
  return setting;
}

std::string value_with_cma(const Estimate& estimate) {
  if (estimate.cma == 0) return {};
  return fmt::format("{}M {}M,cma", estimate.alone / 1_MiB, estimate.cma / 1_MiB);
}

Result<uint64_t> shrink_to(uint64_t size, Enough enough, const Estimator& estimate,
                           const SystemPaths& paths) {
  if (enough == Enough::estimated) {
    const auto needed = estimate();
    if (!needed) {
      return std::unexpected(Error(needed.error())
                                 .context("cannot estimate how much is needed")
                                 .hint("use --force to shrink it without an estimate"));
    }
    // What ,cma provides stays.
    const uint64_t cma = total_size(read_crash_cma(paths.sys));
    if (size < needed->least || size + cma < needed->total) return too_little(size, *needed, "shrink");
  }
  return shrink_reservation(paths, size);
}

}  // namespace lifeboat::reservation
