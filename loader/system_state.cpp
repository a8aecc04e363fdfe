// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/system_state.h"

#include <algorithm>
#include <ranges>

#include "base/file.h"
#include "base/size.h"

namespace lifeboat {
namespace {

// kexec_NAME moved from /sys/kernel to /sys/kernel/kexec/NAME; the old names may go.
std::optional<std::string> read_kexec_file(const SystemPaths& paths, const std::string& old_name,
                                           const std::string& new_name) {
  if (auto value = read_line(fmt::format("{}/kernel/kexec/{}", paths.sys, new_name))) return value;
  return read_line(fmt::format("{}/kernel/{}", paths.sys, old_name));
}

std::optional<uint64_t> to_number(const std::optional<std::string>& text) {
  return text ? parse_number(*text) : std::nullopt;
}

std::optional<bool> to_bool(const std::optional<std::string>& text) {
  const auto number = to_number(text);
  return number ? std::optional(*number != 0) : std::nullopt;
}

std::optional<int64_t> to_limit(const std::optional<std::string>& text) {
  if (text == "-1") return -1;
  const auto number = to_number(text);
  return number ? std::optional(static_cast<int64_t>(*number)) : std::nullopt;
}

// "none [integrity] confidentiality": the one in brackets holds.
std::string lockdown_mode(const SystemPaths& paths) {
  const auto line = read_line(paths.sys + "/kernel/security/lockdown");
  if (!line) return {};
  const auto open = line->find('[');
  const auto close = line->find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return line->substr(open + 1, close - open - 1);
}

// "  2b000000-3affffff : Crash kernel"
std::vector<MemoryRange> crash_ranges(const SystemPaths& paths) {
  std::vector<MemoryRange> ranges;
  const auto text = read_text(paths.proc + "/iomem", 16_MiB);
  if (!text) return ranges;
  for (const auto part : std::views::split(*text, '\n')) {
    std::string_view line(part.begin(), part.end());
    const auto colon = line.find(" : ");
    if (colon == std::string_view::npos || line.substr(colon + 3) != "Crash kernel") continue;
    line = line.substr(0, colon);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const auto dash = line.find('-');
    if (dash == std::string_view::npos) continue;
    const auto start = parse_number(line.substr(0, dash), 16);
    const auto last = parse_number(line.substr(dash + 1), 16);
    if (start && last && *last > *start) ranges.push_back({*start, *last + 1});
  }
  return ranges;
}

}  // namespace

SystemState read_system_state(const SystemPaths& paths) {
  const auto sysctl = [&](const char* name) { return read_line(fmt::format("{}/sys/kernel/{}", paths.proc, name)); };
  const auto device = [&](const char* name) { return read_line(fmt::format("{}/devices/system/{}", paths.sys, name)); };
  return {
      .crash_loaded = to_bool(read_kexec_file(paths, "kexec_crash_loaded", "crash_loaded")),
      .normal_loaded = to_bool(read_kexec_file(paths, "kexec_loaded", "loaded")),
      .crash_size = to_number(read_kexec_file(paths, "kexec_crash_size", "crash_size")),
      .crash_ranges = crash_ranges(paths),
      .load_disabled = to_bool(sysctl("kexec_load_disabled")),
      .limit_panic = to_limit(sysctl("kexec_load_limit_panic")),
      .limit_reboot = to_limit(sysctl("kexec_load_limit_reboot")),
      .lockdown = lockdown_mode(paths),
      .crash_hotplug_cpu = to_bool(device("cpu/crash_hotplug")),
      .crash_hotplug_memory = to_bool(device("memory/crash_hotplug")),
      .elfcorehdr_size = to_number(read_kexec_file(paths, "crash_elfcorehdr_size", "crash_elfcorehdr_size")),
  };
}

}  // namespace lifeboat
