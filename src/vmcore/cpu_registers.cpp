// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/cpu_registers.h"

#include <elf.h>

#include <array>

#include "src/dump/elf_notes.h"
#include "src/dump/limits.h"
#include "src/vmcore/per_cpu.h"

namespace lifeboat {
namespace {

// crash_save_cpu() puts one note there, and an empty one behind it.
constexpr size_t kNoteBytes = 512;

std::optional<SavedRegisters> saved_by(const KernelMemory& memory, uint64_t crash_notes, uint64_t offset) {
  std::array<std::byte, kNoteBytes> bytes;
  if (!memory.read(crash_notes + offset, bytes)) return std::nullopt;
  const auto found = parse_prstatus_notes(memory.architecture(), bytes);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

}  // namespace

std::vector<SavedRegisters> parse_prstatus_notes(const Architecture& architecture, ByteSpan notes) {
  std::vector<SavedRegisters> found;
  ElfNotes all(notes);
  while (const auto note = all.next()) {
    if (note->type != NT_PRSTATUS || note->name != "CORE") continue;
    if (found.size() == kMaxCpus) break;
    if (auto saved = architecture.parse_prstatus(note->description)) found.push_back(*std::move(saved));
  }
  return found;
}

Result<std::vector<CpuRegisters>> read_cpu_registers(const KernelMemory& memory, const Kallsyms& symbols,
                                                     ByteSpan container_notes) {
  std::vector<CpuRegisters> all;
  bool any = false;
  const auto cpus = PerCpu::read(memory, symbols);
  const auto variable = symbols.address_of("crash_notes");
  const auto crash_notes = variable ? memory.read<uint64_t>(*variable) : Result<uint64_t>(0);
  if (cpus) {
    for (const PerCpu::Cpu& cpu : cpus->cpus()) {
      CpuRegisters registers{.cpu = cpu.number};
      if (crash_notes.value_or(0) != 0) {
        if (auto saved = saved_by(memory, *crash_notes, cpu.offset)) {
          registers.pid = saved->pid;
          registers.registers = std::move(saved->registers);
          any = true;
        }
      }
      all.push_back(std::move(registers));
    }
  }
  if (any) return all;
  auto notes = parse_prstatus_notes(memory.architecture(), container_notes);
  for (size_t index = 0; index < notes.size(); ++index) {
    if (index == all.size()) all.push_back({.cpu = static_cast<uint32_t>(index)});
    all[index].pid = notes[index].pid;
    all[index].registers = std::move(notes[index].registers);
  }
  if (all.empty())
    return fail(ErrorCode::not_found, "neither the kernel nor the dump has any CPU's registers");
  return all;
}

}  // namespace lifeboat
