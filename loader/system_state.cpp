// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/system_state.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <initializer_list>

#include "loader/handover.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/image/kernel_config.h"

namespace lifeboat {
namespace {

std::optional<int64_t> parse_signed(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> read_signed(const std::string& path) {
  const auto line = read_line(path);
  return line ? parse_signed(*line) : std::nullopt;
}

std::optional<uint64_t> read_unsigned(const std::string& path) {
  const auto line = read_line(path);
  return line ? parse_number(*line) : std::nullopt;
}

std::optional<bool> read_flag(const std::string& path) {
  const auto value = read_unsigned(path);
  if (!value || *value > 1) return std::nullopt;
  return *value == 1;
}

// The files moved from /sys/kernel/kexec_NAME to /sys/kernel/kexec/NAME; the old names are links, and may be
// removed.
template <typename Reader>
auto read_kexec_file(const SystemPaths& paths, std::string_view name, std::string_view old_name,
                     Reader reader) {
  if (auto value = reader(fmt::format("{}/kernel/kexec/{}", paths.sys, name))) return value;
  return reader(fmt::format("{}/kernel/{}", paths.sys, old_name));
}

// "none [integrity] confidentiality": the one in brackets holds (security/lockdown/lockdown.c).
std::optional<Lockdown> read_lockdown(const std::string& path) {
  const auto line = read_line(path);
  if (!line) return std::nullopt;
  for (const auto lockdown : {Lockdown::none, Lockdown::integrity, Lockdown::confidentiality}) {
    if (line->find(fmt::format("[{}]", lockdown_name(lockdown))) != std::string::npos) return lockdown;
  }
  return std::nullopt;
}

// Four bytes of attributes, then the variable (Documentation/filesystems/efivarfs.rst).
std::optional<bool> read_secure_boot(const SystemPaths& paths) {
  const auto bytes =
      read_file(paths.sys + "/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", 64);
  if (!bytes || bytes->size() != 5) return std::nullopt;
  return bytes->back() != std::byte{0};
}

// "CapEff:\t000001ffffffffff" in /proc/self/status; the call requires CAP_SYS_BOOT, for any user.
std::optional<bool> read_privileged(const SystemPaths& paths) {
  constexpr int kCapSysBoot = 22;
  const auto status = read_text(paths.proc + "/self/status");
  if (!status) return std::nullopt;
  constexpr std::string_view kKey = "\nCapEff:\t";
  const auto at = status->find(kKey);
  if (at == std::string::npos) return std::nullopt;
  const auto rest = std::string_view(*status).substr(at + kKey.size());
  const auto capabilities = parse_number(rest.substr(0, rest.find('\n')), 16);
  if (!capabilities) return std::nullopt;
  return (*capabilities >> kCapSysBoot & 1) != 0;
}

// One rule a line: "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig"
// (Documentation/ABI/testing/ima_policy). Readable with CONFIG_IMA_READ_POLICY, and for root.
std::optional<bool> read_ima_appraises_kernels(const SystemPaths& paths) {
  const auto policy = read_text(paths.sys + "/kernel/security/ima/policy");
  if (!policy) return std::nullopt;
  std::string_view rest = *policy;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.starts_with("appraise ") && line.find("func=KEXEC_KERNEL_CHECK") != line.npos) return true;
  }
  return false;
}

// A configuration that cannot be read answers no question.
std::optional<KernelConfig> read_running_config(const SystemPaths& paths,
                                                const std::optional<std::string>& release) {
  if (!release || release->empty() || release->find('/') != std::string::npos) return std::nullopt;
  auto config = find_kernel_config("", *release, paths.root + "/lib/modules/" + *release, paths.root);
  return config ? std::optional(*std::move(config)) : std::nullopt;
}

}  // namespace

std::string_view lockdown_name(Lockdown lockdown) {
  switch (lockdown) {
    case Lockdown::none:
      return "none";
    case Lockdown::integrity:
      return "integrity";
    case Lockdown::confidentiality:
      return "confidentiality";
  }
  return "unknown";
}

SystemState read_system_state(const SystemPaths& paths) {
  SystemState state;
  state.crash_loaded = read_kexec_file(paths, "crash_loaded", "kexec_crash_loaded", read_flag);
  state.normal_loaded = read_kexec_file(paths, "loaded", "kexec_loaded", read_flag);
  state.crash_size = read_kexec_file(paths, "crash_size", "kexec_crash_size", read_unsigned);
  state.elfcorehdr_size =
      read_kexec_file(paths, "crash_elfcorehdr_size", "crash_elfcorehdr_size", read_unsigned);
  if (const auto iomem = read_text(paths.iomem_file(), 16_MiB)) {
    if (const auto resources = parse_iomem(*iomem)) state.crash_ranges = crash_reservation(*resources);
  }

  const std::string sysctl = paths.proc + "/sys/kernel/";
  state.load_disabled = read_flag(sysctl + "kexec_load_disabled");
  state.crash_load_limit = read_signed(sysctl + "kexec_load_limit_panic");
  state.normal_load_limit = read_signed(sysctl + "kexec_load_limit_reboot");
  state.release = read_line(sysctl + "osrelease");
  state.lockdown = read_lockdown(paths.sys + "/kernel/security/lockdown");
  state.secure_boot = read_secure_boot(paths);
  state.privileged = read_privileged(paths);
  state.ima_appraises_kernels = read_ima_appraises_kernels(paths);
  std::error_code error;
  state.ima = std::filesystem::is_directory(paths.sys + "/kernel/security/ima", error);

  const auto config = read_running_config(paths, state.release);
  if (config) state.signature_forced = config->builtin("CONFIG_KEXEC_SIG_FORCE");
  state.handover = find_handover(paths, config);
  state.xen = read_xen_domain(paths.sys, paths.proc);

  state.cpu_hotplug = read_flag(paths.sys + "/devices/system/cpu/crash_hotplug");
  state.memory_hotplug = read_flag(paths.sys + "/devices/system/memory/crash_hotplug");
  return state;
}

}  // namespace lifeboat
