// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/cpu_registers.h"

#include <elf.h>

#include <array>

#include "src/dump/elf_notes.h"
#include "src/dump/limits.h"
#include "src/vmcore/per_cpu.h"

namespace lifeboat {
namespace x86_64 {
namespace {

constexpr size_t kPidOffset = 32, kRegistersOffset = 112, kRegisters = 21;

std::optional<SavedState> parse_prstatus(ByteSpan description) {
  SavedState saved;
  const auto pid = load<int32_t>(description, kPidOffset, "NT_PRSTATUS");
  const auto words = load<std::array<uint64_t, kRegisters>>(description, kRegistersOffset, "NT_PRSTATUS");
  if (!pid || !words) return std::nullopt;
  saved.pid = *pid;
  RegisterSet& registers = saved.registers;
  size_t next = 0;
  for (uint64_t* reg :
       {&registers.r15,   &registers.r14, &registers.r13, &registers.r12,     &registers.bp, &registers.bx,
        &registers.r11,   &registers.r10, &registers.r9,  &registers.r8,      &registers.ax, &registers.cx,
        &registers.dx,    &registers.si,  &registers.di,  &registers.orig_ax, &registers.ip, &registers.cs,
        &registers.flags, &registers.sp,  &registers.ss})
    *reg = (*words)[next++];
  return saved;
}

}  // namespace

std::vector<SavedState> parse_prstatus_notes(ByteSpan notes) {
  std::vector<SavedState> found;
  ElfNotes all(notes);
  while (const auto note = all.next()) {
    if (note->type != NT_PRSTATUS || note->name != "CORE") continue;
    if (found.size() == kMaxCpus) break;
    if (const auto saved = parse_prstatus(note->description)) found.push_back(*saved);
  }
  return found;
}

}  // namespace x86_64

namespace {

// crash_save_cpu() puts one note there, and an empty one behind it.
constexpr size_t kNoteBytes = 512;

std::optional<x86_64::SavedState> saved_by(const KernelMemory& memory, uint64_t crash_notes,
                                           uint64_t offset) {
  std::array<std::byte, kNoteBytes> bytes;
  if (!memory.read(crash_notes + offset, bytes)) return std::nullopt;
  const auto found = x86_64::parse_prstatus_notes(bytes);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

}  // namespace

Result<std::vector<CpuRegisters>> read_cpu_registers(const KernelMemory& memory, const KernelTypes&,
                                                     const Kallsyms& symbols, ByteSpan container_notes) {
  std::vector<CpuRegisters> all;
  bool any = false;
  const auto cpus = PerCpu::read(memory, symbols);
  const auto variable = symbols.address_of("crash_notes");
  const auto crash_notes = variable ? memory.read<uint64_t>(*variable) : Result<uint64_t>(0);
  if (cpus) {
    for (const PerCpu::Cpu& cpu : cpus->cpus()) {
      CpuRegisters registers{.cpu = cpu.number};
      if (crash_notes.value_or(0) != 0) {
        if (const auto saved = saved_by(memory, *crash_notes, cpu.offset)) {
          registers.pid = saved->pid;
          registers.registers = saved->registers;
          any = true;
        }
      }
      all.push_back(registers);
    }
  }
  if (any) return all;
  const auto notes = x86_64::parse_prstatus_notes(container_notes);
  for (size_t index = 0; index < notes.size(); ++index) {
    if (index == all.size()) all.push_back({.cpu = static_cast<uint32_t>(index)});
    all[index].pid = notes[index].pid;
    all[index].registers = notes[index].registers;
  }
  if (all.empty())
    return fail(ErrorCode::not_found, "neither the kernel nor the dump has any CPU's registers");
  return all;
}

}  // namespace lifeboat
