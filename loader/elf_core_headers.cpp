// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/elf_core_headers.h"

#include <elf.h>

#include <cstring>

#include "src/base/bytes.h"
#include "src/base/machine_names.h"

namespace lifeboat {
namespace {

Result<> add_notes(const Machine& machine, std::vector<CoreSegment>& segments) {
  if (machine.cpu_notes.empty() || !machine.vmcoreinfo) {
    return std::unexpected(
        Error(ErrorCode::not_found, machine.vmcoreinfo
                                        ? "cannot find the CPUs' crash_notes in /sys/devices/system/cpu"
                                        : "cannot read /sys/kernel/vmcoreinfo")
            .hint("run as root with /sys mounted; the running kernel needs CONFIG_CRASH_DUMP=y"));
  }
  const auto add = [&](const CoreNote& note) {
    segments.push_back({.kind = CoreSegment::Kind::note,
                        .physical = note.address,
                        .offset = note.address,
                        .size = note.size});
  };
  for (const auto& note : machine.cpu_notes) add(note);
  add(*machine.vmcoreinfo);
  return {};
}

void add_memory(const Machine& machine, MemoryRange range, uint64_t offset,
                std::vector<CoreSegment>& segments) {
  // Readers use the difference of the two addresses as the offset of the direct map (makedumpfile).
  segments.push_back(
      {.virtual_address = machine.mapping.direct_map ? *machine.mapping.direct_map + range.begin : 0,
       .physical = range.begin,
       .offset = offset,
       .size = range.size()});
}

}  // namespace

Result<std::vector<CoreSegment>> core_segments(const Machine& machine, const UsedMemory& used) {
  std::vector<CoreSegment> segments;
  TRY_VOID(add_notes(machine, segments));
  if (const auto& text = machine.mapping.text) {
    segments.push_back({.virtual_address = text->virtual_address,
                        .physical = text->physical,
                        .offset = text->physical,
                        .size = text->size});
  }
  std::vector<MemoryRange> holes = machine.crash_reservation;
  // The capture kernel uses this memory by the time it reads the headers.
  holes.insert(holes.end(), machine.crash_cma.begin(), machine.crash_cma.end());
  holes.insert(holes.end(), used.lost.begin(), used.lost.end());
  auto ram = subtract(dumpable_ram(machine.resources), std::move(holes));
  if (const auto& copy = used.copy) {
    for (const auto& low : intersect(ram, copy->range))
      add_memory(machine, low, copy->address + (low.begin - copy->range.begin), segments);
    ram = subtract(std::move(ram), {copy->range});
  }
  for (const auto& range : ram) add_memory(machine, range, range.begin, segments);
  return segments;
}

Result<std::vector<std::byte>> build_core_headers(const std::vector<CoreSegment>& segments) {
  // fs/proc/vmcore.c does not support PN_XNUM.
  if (segments.size() >= PN_XNUM) {
    return fail(ErrorCode::unsupported,
                "this machine's memory and CPUs need {} ELF program headers; the maximum is {}",
                segments.size(), PN_XNUM - 1);
  }
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_ident[EI_OSABI] = ELFOSABI_NONE;
  header.e_type = ET_CORE;
  header.e_machine = machine_names().elf;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof(header);
  header.e_ehsize = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<Elf64_Half>(segments.size());

  std::vector<std::byte> bytes;
  const auto append = [&](ByteSpan part) { bytes.insert(bytes.end(), part.begin(), part.end()); };
  append(object_bytes(header));
  for (const auto& segment : segments) {
    const bool note = segment.kind == CoreSegment::Kind::note;
    const Elf64_Phdr program_header{.p_type = static_cast<Elf64_Word>(note ? PT_NOTE : PT_LOAD),
                                    .p_flags = note ? 0U : static_cast<Elf64_Word>(PF_R | PF_W | PF_X),
                                    .p_offset = segment.offset,
                                    .p_vaddr = segment.virtual_address,
                                    .p_paddr = segment.physical,
                                    .p_filesz = segment.size,
                                    .p_memsz = segment.size,
                                    .p_align = 0};
    append(object_bytes(program_header));
  }
  return bytes;
}

}  // namespace lifeboat
