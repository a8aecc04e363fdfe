// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/memory_encryption.h"

#include <sys/klog.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <utility>

#include "loader/command_line.h"
#include "loader/kcore_vmcoreinfo.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat {
namespace {

struct Sign {
  std::string_view what;  // a path below /sys, a flag of /proc/cpuinfo, a part of a message
  MemoryEncryption kind;
  std::string_view name;
};

// Devices of guests: the drivers of their firmware, and what only a guest's kernel creates.
constexpr Sign kDevices[] = {
    {"/devices/system/cpu/sev/vmpl", MemoryEncryption::guest, "AMD SEV-SNP"},
    {"/class/misc/sev-guest", MemoryEncryption::guest, "AMD SEV-SNP"},
    {"/class/misc/tdx_guest", MemoryEncryption::guest, "Intel TDX"},
    {"/devices/platform/arm-cca-dev", MemoryEncryption::guest, "Arm CCA"},
};
// Flags that a kernel sets for itself. sev, sev_es and sme are no such: they are of the processor.
constexpr Sign kFlags[] = {{"tdx_guest", MemoryEncryption::guest, "Intel TDX"}};

// Messages of the boot, newest first: "Memory Encryption Features active: AMD SEV SEV-ES" (mem_encrypt.c),
// and what earlier kernels print.
constexpr std::string_view kActive = "Memory Encryption Features active:";
constexpr Sign kMessages[] = {
    {"Secure Encrypted Virtualization (SEV) active", MemoryEncryption::guest, "AMD SEV"},
    {"Secure Memory Encryption (SME) active", MemoryEncryption::host, "AMD SME"},
    {"RME: Using ", MemoryEncryption::guest, "Arm CCA"},
};

using Flags = std::set<std::string, std::less<>>;

// Of the first CPU: the file has megabytes on a large machine.
Flags cpu_flags(const std::string& proc) {
  std::ifstream file(proc + "/cpuinfo");
  Flags flags;
  for (std::string line; flags.empty() && std::getline(file, line);) {
    if (!line.starts_with("flags")) continue;
    for (auto& word : split_parameters(line.substr(std::min(line.find(':'), line.size() - 1) + 1)))
      flags.insert(std::move(word));
  }
  return flags;
}

std::optional<MemoryEncryptionState> in_devices(const std::string& sys) {
  for (const auto& sign : kDevices) {
    const std::string path = sys + std::string(sign.what);
    if (::access(path.c_str(), F_OK) == 0)
      return MemoryEncryptionState{sign.kind, std::string(sign.name), path};
  }
  return std::nullopt;
}

std::optional<MemoryEncryptionState> in_flags(const Flags& flags) {
  for (const auto& sign : kFlags) {
    if (flags.contains(sign.what))
      return MemoryEncryptionState{sign.kind, std::string(sign.name), "/proc/cpuinfo"};
  }
  return std::nullopt;
}

std::optional<MemoryEncryptionState> in_log(std::string_view log) {
  constexpr const char* kSource = "the kernel's log";
  if (const size_t at = log.find(kActive); at != std::string_view::npos) {
    const std::string_view rest = log.substr(at + kActive.size());
    const std::string name(trim(rest.substr(0, rest.find('\n'))));
    // The message lists what is active; SME is never together with the others.
    const bool host = name.find("SME") != std::string::npos;
    if (!name.empty())
      return MemoryEncryptionState{host ? MemoryEncryption::host : MemoryEncryption::guest, one_line(name),
                                   kSource};
  }
  for (const auto& sign : kMessages) {
    if (log.find(sign.what) != std::string_view::npos)
      return MemoryEncryptionState{sign.kind, std::string(sign.name), kSource};
  }
  return std::nullopt;
}

// The bit that marks an encrypted page: not 0 with SME and with SEV.
std::optional<uint64_t> encryption_mask(const std::string& proc) {
  constexpr std::string_view kKey = "NUMBER(sme_mask)=";
  const std::string info = read_kcore_vmcoreinfo(proc);
  const size_t at = info.find(kKey);
  if (at == std::string::npos) return std::nullopt;
  const std::string_view value = std::string_view(info).substr(at + kKey.size());
  return parse_number(value.substr(0, value.find('\n')));
}

bool asks_for_encryption(const std::string& proc) {
  bool on = false;
  for (const auto& parameter : split_parameters(read_text(proc + "/cmdline").value_or(std::string()))) {
    if (parameter_name(parameter) == "mem_encrypt") on = parameter.ends_with("=on");
  }
  return on;
}

std::string read_kernel_log() {
  constexpr int kReadAll = 3, kSize = 10;  // SYSLOG_ACTION_*, syslog(2)
  const int size = ::klogctl(kSize, nullptr, 0);
  if (size <= 0) return {};
  std::string log(static_cast<size_t>(size), '\0');
  const int count = ::klogctl(kReadAll, log.data(), size);
  log.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return log;
}

}  // namespace

MemoryEncryptionState find_memory_encryption(const SystemPaths& paths, std::string_view kernel_log) {
  if (auto found = in_devices(paths.sys)) return *std::move(found);
  const Flags flags = cpu_flags(paths.proc);
  if (auto found = in_flags(flags)) return *std::move(found);
  if (auto found = in_log(kernel_log)) return *std::move(found);
  // A machine's own kernel never runs with SEV, nor one in a virtual machine with SME.
  const bool guest = flags.contains("hypervisor");
  const auto mask = encryption_mask(paths.proc);
  if (mask && *mask != 0) {
    return {guest ? MemoryEncryption::guest : MemoryEncryption::host, guest ? "AMD SEV" : "AMD SME",
            "VMCOREINFO, sme_mask"};
  }
  if (mask) return {};
  // Not readable: what is left are the processor's flags. A hypervisor shows sev to encrypted guests only.
  if (guest && flags.contains("sev")) return {MemoryEncryption::guest, "AMD SEV", "/proc/cpuinfo"};
  if (!guest && flags.contains("sme") && asks_for_encryption(paths.proc))
    return {MemoryEncryption::host, "AMD SME", "mem_encrypt=on"};
  return {};
}

MemoryEncryptionState read_memory_encryption(const SystemPaths& paths) {
  const SystemPaths own;
  // The log is this machine's: it says nothing of a made-up one.
  return find_memory_encryption(paths, paths.proc == own.proc ? read_kernel_log() : std::string());
}

}  // namespace lifeboat
