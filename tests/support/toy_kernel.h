// SPDX-License-Identifier: GPL-2.0-or-later
// A made-up kernel of the made-up architecture: log, names, types, two CPUs, four tasks. CPU 0 panicked in
// task 7, in a trap that interrupted toy_driver_write(); task 5 sleeps. Whole as it stands; a test spoils one
// field.
#pragma once

#include <map>

#include "src/inspect/session.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/toy_architecture.h"

namespace lifeboat::test {

class ToyKernel final : public FakeImage {
 public:
  ToyKernel();

  uint64_t allocate(uint64_t bytes) override;
  void write(uint64_t virtual_address, ByteSpan bytes) override;
  [[nodiscard]] SparseMemory& memory() { return memory_; }
  // Where a mapped address is in the page table, and in memory.
  [[nodiscard]] static uint64_t entry_of(uint64_t virtual_address);
  [[nodiscard]] static uint64_t to_physical(uint64_t virtual_address);

  [[nodiscard]] Result<KernelMemory> open() {
    return KernelMemory::create(memory_, toy_architecture(), vmcoreinfo());
  }
  // As dump files with these notes in front of VMCOREINFO.
  [[nodiscard]] std::vector<std::byte> kdump(ByteSpan notes = {});
  [[nodiscard]] std::vector<std::byte> elf(ByteSpan notes = {});

  // Addresses. Functions by name, tasks by pid (the idle task of CPU 1: -1), frame records of each task's
  // stack from the innermost on.
  std::map<std::string, uint64_t> symbols;
  std::map<int32_t, uint64_t> tasks;
  std::map<int32_t, std::vector<uint64_t>> records;
  uint64_t crash_note = 0;  // of CPU 0

  // Within a function, behind a call.
  [[nodiscard]] uint64_t inside(const std::string& function) const { return symbols.at(function) + 0x40; }

 private:
  void make_code();
  void make_types();
  void make_tasks();
  void make_cpus();
  void write_symbols();
  uint64_t make_task(int32_t pid, const std::string& comm, uint32_t state);
  void link(uint64_t a, uint64_t b);

  SparseMemory memory_;
  uint64_t next_ = toy::kKernelBase;
};

// An NT_PRSTATUS note of the toy; `bytes` of it, to cut it short.
std::vector<std::byte> toy_prstatus_note(int32_t pid, const std::array<uint64_t, toy::kRegisters>& registers,
                                         size_t bytes = toy::kPrstatusBytes);

}  // namespace lifeboat::test
