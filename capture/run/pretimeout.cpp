// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/pretimeout.h"

#include <linux/watchdog.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/sys.h"
#include "src/base/text.h"

namespace lifeboat::capture {
namespace {

constexpr std::string_view kHarmless = "noop";

// A list, because several ways may fail for different reasons.
void add(std::string& problem, const std::string& more) {
  problem += (problem.empty() ? "" : "; ") + more;
}

// nullopt: the kernel or the driver does not have it.
std::optional<std::string> attribute(const std::string& folder, const char* name) {
  const auto line = read_line(folder + "/" + name);
  return line ? std::optional(std::string(trim(*line))) : std::nullopt;
}

std::optional<int> seconds_in(const std::string& folder) {
  const auto text = attribute(folder, "pretimeout");
  const auto number = text ? parse_number(*text) : std::nullopt;
  return number && *number <= INT32_MAX ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

// Most kernels have it read-only.
void write_seconds(const std::string& folder, std::string& problem) {
  if (seconds_in(folder).value_or(0) == 0) return;
  if (const auto written = write_pseudo_file(folder + "/pretimeout", "0\n"); !written)
    add(problem, written.error().to_string());
}

void write_governor(const std::string& folder, std::string& problem) {
  const auto governor = attribute(folder, "pretimeout_governor");
  // None: nothing happens at the pretimeout.
  if (!governor || governor->empty() || *governor == kHarmless) return;
  const std::string line = std::string(kHarmless) + "\n";
  if (const auto written = write_pseudo_file(folder + "/pretimeout_governor", line); !written)
    add(problem, written.error().to_string());
}

std::optional<int> seconds_of(int fd) {
  int seconds = 0;
  if (sys::ioctl(fd, WDIOC_GETPRETIMEOUT, &seconds) != 0) return std::nullopt;
  return seconds;
}

// Asked even if the driver reports 0: it may not know what the crashed kernel has set in the hardware.
void set_seconds(int fd, std::string& problem) {
  int seconds = 0;
  if (sys::ioctl(fd, WDIOC_SETPRETIMEOUT, &seconds) == 0) return;
  add(problem, fmt::format("WDIOC_SETPRETIMEOUT: {}", std::strerror(errno)));
}

// By what is in force now. `tried`: what failed on the way here.
std::string what_is_left(std::optional<int> seconds, const std::string& folder, const std::string& tried) {
  if (seconds.value_or(0) == 0) return {};
  const auto governor = attribute(folder, "pretimeout_governor");
  if (governor && (governor->empty() || *governor == kHarmless)) return {};
  const std::string by = governor ? fmt::format("the governor '{}'", *governor) : "its driver";
  return fmt::format("its pretimeout of {} s cannot be turned off, and {} may panic this kernel{}", *seconds,
                     by, tried.empty() ? "" : fmt::format(" ({})", tried));
}

}  // namespace

PretimeoutCare turn_off_pretimeout(const std::string& folder) {
  PretimeoutCare care{.seconds = seconds_in(folder).value_or(0), .problem = {}};
  std::string tried;
  write_seconds(folder, tried);
  write_governor(folder, tried);
  care.problem = what_is_left(seconds_in(folder), folder, tried);
  return care;
}

PretimeoutCare turn_off_pretimeout(int fd, const std::string& folder) {
  const auto before = seconds_of(fd);
  std::string tried;
  set_seconds(fd, tried);
  write_governor(folder, tried);
  auto after = seconds_of(fd);
  if (!after) after = seconds_in(folder);
  return {.seconds = before.value_or(after.value_or(0)), .problem = what_is_left(after, folder, tried)};
}

}  // namespace lifeboat::capture
