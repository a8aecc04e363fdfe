// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/handover.h"

#include <filesystem>
#include <string_view>

#include "loader/command_line.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

// kstrtobool() (lib/kstrtox.c) looks at the first one or two characters. nullopt: not a value; the parameter
// has no effect then.
std::optional<bool> parse_switch(std::string_view value) {
  const auto is_one_of = [](char c, std::string_view known) { return known.find(c) != known.npos; };
  if (value.empty()) return std::nullopt;
  if (is_one_of(value[0], "yYtT1")) return true;
  if (is_one_of(value[0], "nNfF0")) return false;
  if (value.size() < 2 || !is_one_of(value[0], "oO")) return std::nullopt;
  if (is_one_of(value[1], "nN")) return true;
  return is_one_of(value[1], "fF") ? std::optional(false) : std::nullopt;
}

struct Switch {
  std::string parameter;  // as written
  bool on = false;
};

// The last valid one counts. Behind "--" are arguments of init.
std::optional<Switch> parameter_on_command_line(const SystemPaths& paths) {
  const auto line = read_text(paths.proc + "/cmdline");
  if (!line) return std::nullopt;
  std::optional<Switch> last;
  for (const auto& parameter : split_parameters(*line)) {
    if (parameter == "--") break;
    const auto equals = parameter.find('=');
    if (equals == std::string::npos || parameter_name(parameter) != "kho") continue;
    std::string value = parameter.substr(equals + 1);
    std::erase(value, '"');
    if (const auto on = parse_switch(value)) last = Switch{parameter, *on};
  }
  return last;
}

bool is_there(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

// "123 liveupdate" in /proc/misc.
bool is_misc_device(const SystemPaths& paths, std::string_view name) {
  const auto text = read_text(paths.proc + "/misc", 1_MiB);
  if (!text) return false;
  const std::string wanted = " " + std::string(name) + "\n";
  return text->find(wanted) != std::string::npos;
}

}  // namespace

std::string find_handover(const SystemPaths& paths, const std::optional<KernelConfig>& config) {
  // Both exist only where it is on (kho_init() and liveupdate_ioctl_init()).
  if (is_there(paths.sys + "/class/misc/liveupdate") || is_misc_device(paths, "liveupdate") ||
      is_there(paths.root + "/dev/liveupdate"))
    return "the live update device /dev/liveupdate exists";
  if (is_there(paths.sys + "/kernel/debug/kho")) return paths.sys + "/kernel/debug/kho exists";
  if (const auto given = parameter_on_command_line(paths))
    return given->on ? given->parameter + " on the kernel command line" : "";
  constexpr std::string_view kDefault = "CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT";
  if (config && config->builtin(kDefault)) return fmt::format("{}=y in {}", kDefault, config->origin);
  return "";
}

Error handover_forbids_segments(const SystemState& state) {
  return Error(ErrorCode::unsupported,
               fmt::format(
                   "Kexec Handover (KHO) is on ({}), and kexec_load(2) would destroy the memory that it "
                   "preserves for the next kernel",
                   state.handover))
      .hint("to give that memory up, load with --syscall segments (kexec: -c)");
}

Error handover_hides_segments(const SystemState& state) {
  return Error(
             ErrorCode::unsupported,
             fmt::format("a dry run shows the segments of kexec_load(2), which would not be used here: Kexec "
                         "Handover (KHO) is on ({}), so a real load uses kexec_file_load(2), and the running "
                         "kernel chooses the addresses",
                         state.handover))
      .hint("load without --dry-run; to see the segments all the same: --dry-run --syscall segments");
}

std::string handover_is_lost(const SystemState& state) {
  return fmt::format(
      "Kexec Handover (KHO) is on ({}): a reboot into this kernel destroys the memory that is preserved for "
      "the next kernel, because kexec_load(2) does not pass it on",
      state.handover);
}

}  // namespace lifeboat
