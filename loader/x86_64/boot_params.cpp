// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/x86_64/boot_params.h"

#include <asm/bootparam.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "src/base/size.h"

namespace lifeboat::x86_64 {
namespace {

static_assert(sizeof(boot_params) == 4096);

// Kernel code and headers name it differently over time.
constexpr uint32_t kSetupRngSeed = 9;
// boot.rst, type_of_loader: 0xD is kexec-tools', the number for "a kexec boot loader".
constexpr uint8_t kTypeOfLoader = 0xd0;
constexpr size_t kHeaderOffset = offsetof(boot_params, hdr);
// The header may grow up to the MBR signature buffer.
constexpr size_t kLargestHeader = offsetof(boot_params, edd_mbr_sig_buffer) - kHeaderOffset;
constexpr size_t kHeaderLengthByte = 0x201;
constexpr uint64_t kMagicOffset = 0x202;

// struct efi_setup_data (arch/x86/include/asm/efi.h), not in the user-space headers.
struct EfiSetupData {
  uint64_t fw_vendor = 0, unused = 0, tables = 0, smbios = 0, reserved[8] = {};
};
// efi_memory_desc_t (include/linux/efi.h).
struct EfiMemoryDescriptor {
  uint32_t type = 0, pad = 0;
  uint64_t physical = 0, virtual_address = 0, pages = 0, attribute = 0;
};
constexpr uint32_t kEfiDescriptorVersion = 1;

uint32_t e820_type(MemoryType type) {
  // arch/x86/include/asm/e820/types.h
  switch (type) {
    case MemoryType::ram:
      return 1;
    case MemoryType::reserved:
      return 2;
    case MemoryType::acpi_tables:
      return 3;
    case MemoryType::acpi_nvs:
      return 4;
    case MemoryType::unusable:
      return 5;
    case MemoryType::persistent:
      return 7;
    case MemoryType::persistent_legacy:
      return 12;
    case MemoryType::soft_reserved:
      return 0xefffffff;
  }
  return 2;
}

uint32_t low_half(uint64_t value) {
  return static_cast<uint32_t>(value);
}
uint32_t high_half(uint64_t value) {
  return static_cast<uint32_t>(value >> 32);
}

// The segment as it grows behind the zero page; everything in it begins at a multiple of 8.
class Writer {
 public:
  explicit Writer(uint64_t address) : address_(address), bytes_(sizeof(boot_params)) {}

  // The physical address of the appended bytes.
  uint64_t append(ByteSpan part) {
    bytes_.resize(align_up(bytes_.size(), 8));
    const uint64_t at = address_ + bytes_.size();
    bytes_.insert(bytes_.end(), part.begin(), part.end());
    return at;
  }

  // Puts an entry in front of the chain at hdr.setup_data.
  void chain(boot_params& params, uint32_t type, ByteSpan data) {
    setup_data head{};
    head.next = params.hdr.setup_data;
    head.type = type;
    head.len = static_cast<uint32_t>(data.size());
    const uint64_t at = append(object_bytes(head));
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    params.hdr.setup_data = at;
  }

  std::vector<std::byte> finish(const boot_params& params) {
    std::memcpy(bytes_.data(), &params, sizeof(params));
    return std::move(bytes_);
  }

 private:
  uint64_t address_;
  std::vector<std::byte> bytes_;
};

// By boot.rst, "The 64-bit boot protocol": the header from the file, everything else zero, or the kernel
// assumes that a loader did not clear the page (the sentinel).
Result<> copy_header(ByteSpan bzimage, boot_params& params) {
  const auto length = TRY(lifeboat::load<uint8_t>(bzimage, kHeaderLengthByte, "setup header"));
  const uint64_t size = std::min<uint64_t>(kMagicOffset + length - kHeaderOffset, kLargestHeader);
  const ByteSpan header = TRY(slice(bzimage, kHeaderOffset, size, "setup header"));
  std::memcpy(reinterpret_cast<std::byte*>(&params) + kHeaderOffset, header.data(), header.size());
  return {};
}

// The fields that a vmlinux, which has no setup header, reads.
void invent_header(boot_params& params) {
  params.hdr.boot_flag = 0xaa55;
  params.hdr.header = 0x53726448;  // "HdrS"
  params.hdr.version = 0x020f;
  params.hdr.root_flags = 1;  // the root is mounted read-only first, as by a bzImage's own header
  params.hdr.loadflags = LOADED_HIGH;
  params.hdr.xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G;
}

// The screen mode is kept; BIOS data about disks and monitors cannot be read again.
void hand_on(const MachineFacts& machine, boot_params& params) {
  if (machine.boot_params.size() < sizeof(params)) return;
  boot_params running;
  std::memcpy(&running, machine.boot_params.data(), sizeof(running));
  params.screen_info = running.screen_info;
  params.edid_info = running.edid_info;
  params.eddbuf_entries = std::min<uint8_t>(running.eddbuf_entries, EDDMAXNR);
  std::memcpy(params.eddbuf, running.eddbuf, sizeof(params.eddbuf));
  params.edd_mbr_sig_buf_entries = std::min<uint8_t>(running.edd_mbr_sig_buf_entries, EDD_MBR_SIG_MAX);
  std::memcpy(params.edd_mbr_sig_buffer, running.edd_mbr_sig_buffer, sizeof(params.edd_mbr_sig_buffer));
  params.hdr.hardware_subarch = running.hdr.hardware_subarch;
  params.acpi_rsdp_addr = running.acpi_rsdp_addr;
  params.secure_boot = running.secure_boot;
}

// EFI runtime services can be mapped only once: the next kernel must use the addresses that the first one
// chose (arch/x86/platform/efi/efi.c, kexec_enter_virtual_mode()). Without the runtime map it gets no
// EFI data, and finds ACPI by acpi_rsdp_addr.
void add_efi(const MachineFacts& machine, boot_params& params, Writer& writer) {
  if (params.acpi_rsdp_addr == 0) params.acpi_rsdp_addr = machine.rsdp;
  if (machine.efi.runtime_map.empty() || machine.boot_params.size() < sizeof(params)) return;
  boot_params running;
  std::memcpy(&running, machine.boot_params.data(), sizeof(running));

  std::vector<EfiMemoryDescriptor> map;
  for (const auto& region : machine.efi.runtime_map) {
    map.push_back({.type = low_half(region.type),
                   .physical = region.physical,
                   .virtual_address = region.virtual_address,
                   .pages = region.pages,
                   .attribute = region.attribute});
  }
  const ByteSpan map_bytes = std::as_bytes(std::span(map));
  const uint64_t at = writer.append(map_bytes);
  params.efi_info = running.efi_info;
  params.efi_info.efi_memmap = low_half(at);
  params.efi_info.efi_memmap_hi = high_half(at);
  params.efi_info.efi_memmap_size = static_cast<uint32_t>(map_bytes.size());
  params.efi_info.efi_memdesc_size = sizeof(EfiMemoryDescriptor);
  params.efi_info.efi_memdesc_version = kEfiDescriptorVersion;

  const EfiSetupData tables{
      .fw_vendor = machine.efi.fw_vendor, .tables = machine.efi.config_table, .smbios = machine.efi.smbios};
  writer.chain(params, SETUP_EFI, object_bytes(tables));
}

void add_memory_map(const std::vector<MemoryMapEntry>& map, boot_params& params, Writer& writer) {
  std::vector<boot_e820_entry> entries;
  for (const auto& entry : map)
    entries.push_back({.addr = entry.range.begin, .size = entry.range.size(), .type = e820_type(entry.type)});
  const size_t here = std::min<size_t>(entries.size(), E820_MAX_ENTRIES_ZEROPAGE);
  std::copy_n(entries.begin(), here, params.e820_table);
  params.e820_entries = static_cast<uint8_t>(here);
  if (here < entries.size()) {
    const auto rest = std::span(entries).subspan(here);
    writer.chain(params, SETUP_E820_EXT, std::as_bytes(rest));
  }
  // The older fields for the amount of memory, which some early code still reads.
  for (const auto& entry : map) {
    if (entry.type != MemoryType::ram || entry.range.begin > 1_MiB || entry.range.end <= 1_MiB) continue;
    const uint64_t kilobytes = (entry.range.end - 1_MiB) / 1_KiB;
    params.alt_mem_k = static_cast<uint32_t>(std::min<uint64_t>(kilobytes, UINT32_MAX));
    params.screen_info.ext_mem_k = static_cast<uint16_t>(std::min<uint64_t>(kilobytes, 0xfc00));
  }
}

void add_command_line(const std::string& text, boot_params& params, Writer& writer) {
  const uint64_t at = writer.append(as_byte_span({text.c_str(), text.size() + 1}));
  params.hdr.cmd_line_ptr = low_half(at);
  params.ext_cmd_line_ptr = high_half(at);
}

}  // namespace

Result<std::vector<std::byte>> build_boot_params(const BootFacts& facts, const MachineFacts& machine,
                                                 uint64_t address) {
  boot_params params{};
  Writer writer(address);
  if (facts.bzimage.empty()) {
    invent_header(params);
  } else {
    TRY_VOID(copy_header(facts.bzimage, params));
  }
  params.hdr.setup_data = 0;
  params.hdr.type_of_loader = kTypeOfLoader;
  params.hdr.ramdisk_image = low_half(facts.initramfs.begin);
  params.ext_ramdisk_image = high_half(facts.initramfs.begin);
  params.hdr.ramdisk_size = low_half(facts.initramfs.size());
  params.ext_ramdisk_size = high_half(facts.initramfs.size());
  hand_on(machine, params);
  add_command_line(facts.command_line, params, writer);
  add_efi(machine, params, writer);
  add_memory_map(facts.memory_map, params, writer);
  if (!facts.random_seed.empty()) writer.chain(params, kSetupRngSeed, facts.random_seed);
  return writer.finish(params);
}

}  // namespace lifeboat::x86_64
