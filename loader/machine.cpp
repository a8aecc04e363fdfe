// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/machine.h"

#include <elf.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

std::optional<uint64_t> read_hex(const std::string& path) {
  const auto line = read_line(path);
  return line ? parse_number(*line, 16) : std::nullopt;
}

// The numbers N of the entries PREFIX<N> in a folder, sorted.
std::vector<uint64_t> numbered(const std::string& folder, std::string_view prefix) {
  std::vector<uint64_t> numbers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(prefix)) continue;
    if (const auto number = parse_number(std::string_view(name).substr(prefix.size())))
      numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::vector<CoreNote> read_cpu_notes(const std::string& sys) {
  const std::string folder = sys + "/devices/system/cpu";
  std::vector<CoreNote> notes;
  for (const uint64_t cpu : numbered(folder, "cpu")) {
    const auto address = read_hex(fmt::format("{}/cpu{}/crash_notes", folder, cpu));
    const auto size = read_line(fmt::format("{}/cpu{}/crash_notes_size", folder, cpu));
    const auto bytes = size ? parse_number(*size) : std::nullopt;
    if (address && bytes && *bytes != 0) notes.push_back({*address, *bytes});
  }
  return notes;
}

// "ADDRESS SIZE", both hexadecimal without 0x (kernel/ksysfs.c).
std::optional<CoreNote> read_vmcoreinfo(const std::string& sys) {
  const auto line = read_line(sys + "/kernel/vmcoreinfo");
  if (!line) return std::nullopt;
  const size_t space = line->find(' ');
  if (space == std::string::npos) return std::nullopt;
  const std::string_view text = *line;
  const auto address = parse_number(text.substr(0, space), 16);
  const auto size = parse_number(text.substr(space + 1), 16);
  if (!address || !size || *size == 0) return std::nullopt;
  return CoreNote{*address, *size};
}

// The program headers of /proc/kcore; reading them reads no memory. Those of RAM and of the kernel's text
// carry a physical address, the others (vmalloc, modules, vmemmap) -1 (fs/proc/kcore.c).
std::vector<Elf64_Phdr> read_kcore_headers(const std::string& proc) {
  std::vector<Elf64_Phdr> headers;
  const auto file = open_file(proc + "/kcore", O_RDONLY);
  if (!file) return headers;
  std::vector<std::byte> head(256_KiB);
  const auto count = pread_some(file->get(), 0, head, "kcore");
  if (!count) return headers;
  const ByteSpan bytes = ByteSpan(head).first(*count);
  const auto header = load<Elf64_Ehdr>(bytes, 0, "kcore");
  if (!header || header->e_phoff > bytes.size()) return headers;
  for (unsigned index = 0; index < header->e_phnum; ++index) {
    const auto segment = load<Elf64_Phdr>(bytes, header->e_phoff + index * sizeof(Elf64_Phdr), "kcore");
    if (!segment) break;
    if (segment->p_type == PT_LOAD && segment->p_paddr != UINT64_MAX) headers.push_back(*segment);
  }
  return headers;
}

constexpr uint64_t kKernelMap = 0xffffffff80000000;  // __START_KERNEL_map
constexpr uint64_t kKernelHalf = 0xff00000000000000;

// The address of `_text`: "ffffffff81000000 T _text". 0 when hidden.
uint64_t read_text_symbol(const std::string& proc) {
  std::ifstream file(proc + "/kallsyms");
  std::string line;
  while (std::getline(file, line)) {
    if (line.ends_with(" _text"))
      return parse_number(std::string_view(line).substr(0, line.find(' ')), 16).value_or(0);
    // A module's symbols have its name behind, and come after the kernel's.
    if (line.ends_with(']')) break;
  }
  return 0;
}

std::optional<KernelText> read_text_mapping(const std::string& proc, const std::vector<Elf64_Phdr>& kcore,
                                            const std::vector<Resource>& resources) {
  const auto find = [&](std::string_view name) {
    return std::ranges::find(resources, name, &Resource::name);
  };
  const auto code = find("Kernel code");
  if (code == resources.end()) return std::nullopt;
  for (const auto& segment : kcore) {
    if (segment.p_vaddr >= kKernelMap && segment.p_paddr == code->range.begin && segment.p_memsz != 0)
      return KernelText{segment.p_vaddr, segment.p_paddr, segment.p_memsz};
  }
  // A kernel without /proc/kcore.
  const uint64_t begin = read_text_symbol(proc);
  if (begin == 0) return std::nullopt;
  const auto bss = find("Kernel bss");
  const uint64_t end =
      bss != resources.end() && bss->range.end > code->range.end ? bss->range.end : code->range.end;
  return KernelText{begin, code->range.begin, end - code->range.begin};
}

std::optional<uint64_t> find_direct_map(const std::vector<Elf64_Phdr>& kcore) {
  for (const auto& segment : kcore) {
    if (segment.p_vaddr >= kKernelHalf && segment.p_vaddr < kKernelMap && segment.p_paddr <= segment.p_vaddr)
      return segment.p_vaddr - segment.p_paddr;
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

void read_efi(const std::string& sys, Machine& machine) {
  const std::string efi = sys + "/firmware/efi";
  const std::string systab = read_text(efi + "/systab").value_or("");
  machine.efi = {.fw_vendor = read_hex(efi + "/fw_vendor").value_or(0),
                 .config_table = read_hex(efi + "/config_table").value_or(0),
                 .smbios = efi_table(systab, "SMBIOS"),
                 .runtime_map = read_runtime_map(efi + "/runtime-map")};
  machine.rsdp = efi_table(systab, "ACPI20");
  if (machine.rsdp == 0) machine.rsdp = efi_table(systab, "ACPI");
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

// "BEGIN-END" a line, hexadecimal (kernel/kexec_core.c, crash_cma_ranges_show()).
std::vector<MemoryRange> read_crash_cma(const std::string& sys) {
  std::vector<MemoryRange> ranges;
  const auto text = read_text(sys + "/kernel/kexec/crash_cma_ranges");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t dash = line.find('-');
    if (dash == line.npos) continue;
    const auto begin = parse_number(line.substr(0, dash), 16), last = parse_number(line.substr(dash + 1), 16);
    if (begin && last && *last < UINT64_MAX && *begin <= *last) ranges.push_back({*begin, *last + 1});
  }
  return normalized(std::move(ranges));
}

Result<Machine> read_machine(const SystemPaths& paths) {
  Machine machine;
  const std::string iomem = paths.iomem_file();
  machine.resources = TRY_CONTEXT(parse_iomem(TRY(read_text(iomem, 16_MiB))), "{}", iomem);
  machine.firmware_map = firmware_map(paths.sys, machine.resources);
  machine.crash_reservation = crash_reservation(machine.resources);
  machine.crash_cma = read_crash_cma(paths.sys);
  machine.cpu_notes = read_cpu_notes(paths.sys);
  machine.vmcoreinfo = read_vmcoreinfo(paths.sys);
  const auto kcore = read_kcore_headers(paths.proc);
  machine.text = read_text_mapping(paths.proc, kcore, machine.resources);
  machine.direct_map = find_direct_map(kcore);
  machine.elfcorehdr_size = read_system_state(paths).elfcorehdr_size;
  if (auto params = read_file(paths.sys + "/kernel/boot_params/data", 64_KiB))
    machine.boot_params = *std::move(params);
  read_efi(paths.sys, machine);
  machine.five_level_paging = read_five_level_paging(paths.proc);
  machine.command_line = read_line(paths.proc + "/cmdline").value_or("");
  return machine;
}

}  // namespace lifeboat
