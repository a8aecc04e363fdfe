// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/size_choice.h"

#include <algorithm>

#include "loader/load_architecture.h"
#include "src/base/size.h"
#include "src/reservation/crashkernel_parameters.h"
#include "src/reservation/reserve_record.h"
#include "src/reservation/reserved.h"

namespace lifeboat::reservation {
namespace {

std::unexpected<Error> too_little(uint64_t size, const Estimate& needed, const char* verb) {
  return std::unexpected(
      Error(ErrorCode::usage,
            fmt::format("{} is not enough: about {} is needed", format_size(size), format_size(needed.total)))
          .hint(fmt::format("see 'lifeboat reserve estimate'; --force {}s it anyway", verb)));
}

// What the kernel would accept and reserve for the capture kernel itself: the main parameter.
Result<CrashKernelParameter> main_parameter(const std::string& value) {
  std::string parameters;
  for (const auto& parameter : parameters_of(value)) parameters += parameter + " ";
  const auto request = crashkernel_request(parameters);
  if (!request.mistakes.empty())
    return std::unexpected(Error(ErrorCode::usage, request.mistakes.front()).hint(kCrashKernelFix));
  if (!request.main) {
    return std::unexpected(
        Error(ErrorCode::usage,
              fmt::format("crashkernel={} reserves no memory for the capture kernel itself", value))
            .hint("give the main size too, in one argument: '256M,high 128M,low'"));
  }
  if (request.main->ranges.empty() && request.main->size < 1_MiB) {
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("crashkernel={} is less than a megabyte", request.main->text))
            .hint("a size without a unit is in bytes: write 256M"));
  }
  return *request.main;
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

Result<> check_enough(const std::string& value, const CrashKernelParameter& asked,
                      std::optional<uint64_t> ram, const Estimator& estimate,
                      std::vector<std::string>& warnings) {
  if (!ram && !asked.ranges.empty()) return {};
  const uint64_t size = std::max(asked.size_for(ram.value_or(UINT64_MAX), false),
                                 asked.size_for(ram.value_or(UINT64_MAX), true));
  const auto needed = estimate();
  if (size == 0 || (needed && size < needed->least)) {
    if (needed) return too_little(size, *needed, "set");
    return fail(ErrorCode::usage, "crashkernel={} reserves nothing on this machine", value);
  }
  if (needed && size < needed->total) {
    warnings.push_back(fmt::format("{} may not be enough: about {} is needed ('lifeboat reserve estimate')",
                                   format_size(size), format_size(needed->total)));
  }
  return {};
}

Result<> check_value(const SizeRequest& request, const Estimator& estimate,
                     std::vector<std::string>& warnings) {
  const auto asked = TRY(main_parameter(request.size));
  if (!request.this_machine || request.force) return {};
  const auto ram = read_reserved(request.paths).ram;
  TRY_VOID(check_possible(asked, ram, warnings));
  return check_enough(request.size, asked, ram, estimate, warnings);
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
    return remembered_value(request.root);
  }
  if (request.size == "auto") return fmt::format("{}M", TRY(estimate()).total / 1_MiB);
  TRY_VOID(check_value(request, estimate, warnings));
  return request.size;
}

}  // namespace

Result<std::optional<SettingRequest>> choose_setting(const SizeRequest& request, const Estimator& estimate,
                                                     std::vector<std::string>& warnings) {
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

Result<uint64_t> shrink_to(uint64_t size, Enough enough, const Estimator& estimate,
                           const SystemPaths& paths) {
  if (enough == Enough::estimated) {
    const auto needed = estimate();
    if (!needed) {
      return std::unexpected(Error(needed.error())
                                 .context("cannot estimate how much is needed")
                                 .hint("--force shrinks it anyway"));
    }
    if (size < needed->total) return too_little(size, *needed, "shrink");
  }
  return shrink_reservation(paths, size);
}

}  // namespace lifeboat::reservation
