// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/x86_64/machine_facts.h"

#include <algorithm>
#include <fstream>
#include <optional>

#include "loader/numbered_files.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat::x86_64 {
namespace {

constexpr uint64_t kKernelMap = 0xffffffff80000000;  // __START_KERNEL_map
constexpr uint64_t kKernelHalf = 0xff00000000000000;

std::optional<KernelText> read_text_mapping(const std::string& proc, const std::vector<KcoreSegment>& kcore,
                                            const std::vector<Resource>& resources) {
  const auto find = [&](std::string_view name) {
    return std::ranges::find(resources, name, &Resource::name);
  };
  const auto code = find("Kernel code");
  if (code == resources.end()) return std::nullopt;
  for (const auto& segment : kcore) {
    if (segment.virtual_address >= kKernelMap && segment.physical == code->range.begin && segment.size != 0)
      return KernelText{segment.virtual_address, segment.physical, segment.size};
  }
  // A kernel without /proc/kcore.
  const uint64_t begin = read_text_symbol(proc);
  if (begin == 0) return std::nullopt;
  const auto bss = find("Kernel bss");
  const uint64_t end =
      bss != resources.end() && bss->range.end > code->range.end ? bss->range.end : code->range.end;
  return KernelText{begin, code->range.begin, end - code->range.begin};
}

std::optional<uint64_t> find_direct_map(const std::vector<KcoreSegment>& kcore) {
  for (const auto& segment : kcore) {
    if (segment.virtual_address >= kKernelHalf && segment.virtual_address < kKernelMap &&
        segment.physical <= segment.virtual_address)
      return segment.virtual_address - segment.physical;
  }
  return std::nullopt;
}

std::optional<EfiRegion> read_efi_region(const std::string& folder) {
  const auto type = read_hex(folder + "/type"), physical = read_hex(folder + "/phys_addr"),
             virtual_address = read_hex(folder + "/virt_addr"), pages = read_hex(folder + "/num_pages"),
             attribute = read_hex(folder + "/attribute");
  if (!type || !physical || !virtual_address || !pages || !attribute) return std::nullopt;
  return EfiRegion{*type, *physical, *virtual_address, *pages, *attribute};
}

// "KEY=0x7f9fe014" in SYS/firmware/efi/systab.
uint64_t efi_table(const std::string& systab, std::string_view key) {
  std::string_view rest = systab;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.starts_with(key) && line.substr(key.size()).starts_with('='))
      return parse_number(line.substr(key.size() + 1), 16).value_or(0);
  }
  return 0;
}

// An incomplete map cannot be used: all entries or none.
std::vector<EfiRegion> read_runtime_map(const std::string& folder) {
  std::vector<EfiRegion> regions;
  for (const uint64_t number : numbered(folder, "")) {
    const auto region = read_efi_region(fmt::format("{}/{}", folder, number));
    if (!region) return {};
    regions.push_back(*region);
  }
  return regions;
}

// The flag is shown only while the running kernel uses 5 levels (arch/x86/kernel/cpu/common.c).
bool read_five_level_paging(const std::string& proc) {
  std::ifstream file(proc + "/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("flags")) return (line + " ").find(" la57 ") != std::string::npos;
  }
  return false;
}

}  // namespace

KernelMapping read_mapping(const std::string& proc, const std::vector<Resource>& resources) {
  const auto kcore = read_kcore_segments(proc);
  return {.text = read_text_mapping(proc, kcore, resources), .direct_map = find_direct_map(kcore)};
}

MachineFacts read_machine_facts(const SystemPaths& paths, const std::vector<Resource>& resources) {
  const std::string efi = paths.sys + "/firmware/efi";
  const std::string systab = read_text(efi + "/systab").value_or("");
  MachineFacts facts;
  facts.firmware_map = firmware_map(paths.sys, resources);
  if (auto params = read_file(paths.sys + "/kernel/boot_params/data", 64_KiB))
    facts.boot_params = *std::move(params);
  facts.efi = {.fw_vendor = read_hex(efi + "/fw_vendor").value_or(0),
               .config_table = read_hex(efi + "/config_table").value_or(0),
               .smbios = efi_table(systab, "SMBIOS"),
               .runtime_map = read_runtime_map(efi + "/runtime-map")};
  facts.rsdp = efi_table(systab, "ACPI20");
  if (facts.rsdp == 0) facts.rsdp = efi_table(systab, "ACPI");
  facts.five_level_paging = read_five_level_paging(paths.proc);
  return facts;
}

}  // namespace lifeboat::x86_64
