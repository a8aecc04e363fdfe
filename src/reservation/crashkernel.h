// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel parameter crashkernel= (Documentation/admin-guide/kdump/kdump.rst, kernel/crash_reserve.c).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"

namespace lifeboat::reservation {

// The suffix after the comma: each kind is a separate request.
enum class CrashKernelKind {
  normal,  // SIZE[@OFFSET], or a list of ranges
  high,    // SIZE,high: may lie above 4 GiB, with an additional low part for devices limited to 4 GiB
  low,     // SIZE,low: how large that low part is
  cma,     // SIZE,cma: additional memory that user programs may use until the crash
};
std::string_view kind_name(CrashKernelKind kind);

// "2G-64G:256M": this size on a machine with RAM from `begin` to less than `end`.
struct RamRange {
  uint64_t begin = 0, end = UINT64_MAX;
  uint64_t size = 0;
  bool operator==(const RamRange&) const = default;
};

struct CrashKernelParameter {
  CrashKernelKind kind = CrashKernelKind::normal;
  std::string text;                // as it was written, without "crashkernel="
  uint64_t size = 0;               // bytes; 0 when there are ranges
  std::vector<RamRange> ranges;    // in their order: the first that contains the machine's RAM is used
  std::optional<uint64_t> offset;  // where it must begin

  // The size on a machine with this much RAM; 0: nothing is reserved. Some kernels round the RAM up to 128
  // MiB before they look for its range, since firmware takes some for itself; others do not. `rounded`
  // selects which.
  [[nodiscard]] uint64_t size_for(uint64_t ram, bool rounded) const;
};

// `usage` for what the kernel would not accept, with the reason.
Result<CrashKernelParameter> parse_crashkernel(std::string_view value);

// The request of a whole command line: the last of each kind is used, and a normal one makes the kernel
// ignore high and low.
struct CrashKernelRequest {
  std::vector<CrashKernelParameter> parameters;  // all that could be read, in their order
  std::vector<std::string> mistakes;             // those that could not, with the reason
  std::optional<CrashKernelParameter> main;      // normal or high: where kernels are loaded into
  std::optional<CrashKernelParameter> low, cma;  // that are used in addition

  [[nodiscard]] bool any() const { return !parameters.empty() || !mistakes.empty(); }
};
// The fix for each of the mistakes.
inline constexpr std::string_view kCrashKernelFix =
    "write a size (256M), a size with ,high ,low or ,cma, or ranges (2G-64G:256M,64G-:512M)";
CrashKernelRequest crashkernel_request(std::string_view command_line);

}  // namespace lifeboat::reservation
