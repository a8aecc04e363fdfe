// SPDX-License-Identifier: GPL-2.0-or-later
// An architecture that does not exist, "toy64": what reads dumps must not know more of a machine than the
// interface shows. Pages of 16 KiB; a page table of one level, whose one page maps 32 MiB; eight registers;
// frame records instead of unwind tables.
#pragma once

#include "src/vmcore/architecture.h"

namespace lifeboat::test {

const Architecture& toy_architecture();

namespace toy {

inline constexpr std::string_view kMachine = "toy64";
inline constexpr uint16_t kElfMachine = 0x7074;  // of no machine
inline constexpr uint64_t kPageBytes = 16384;

// The kernel's addresses begin here. Entry N of the table maps page N from there on: the page frame in the
// upper bits, bit 0 if it is present. NUMBER(toy_page_table) in VMCOREINFO is where the table lies.
inline constexpr uint64_t kKernelBase = 0xffffa00000000000;
inline constexpr uint64_t kEntries = kPageBytes / sizeof(uint64_t);
inline constexpr uint64_t kPresent = 1;
inline constexpr unsigned kEntryFrameShift = 16;
inline constexpr std::string_view kTableKey = "toy_page_table";

// struct pt_regs, 64 bits each.
enum Register : uint8_t { a0, a1, a2, a3, status, pc, fp, sp };
inline constexpr size_t kRegisters = 8;
inline constexpr uint64_t kStatusUser = 1, kStatusInterrupts = 2;
// struct elf_prstatus: the registers are behind the common part.
inline constexpr size_t kPrstatusPid = 32, kPrstatusRegisters = 112,
                        kPrstatusBytes = kPrstatusRegisters + kRegisters * sizeof(uint64_t);

// A frame record is {caller's record, return address}. The outermost is {0, 0}. A return address of 1 is that
// of no function: behind the record are the registers of what was interrupted.
inline constexpr uint64_t kRecordBytes = 16, kInterrupted = 1;
inline constexpr uint64_t kStackBytes = kPageBytes;

}  // namespace toy
}  // namespace lifeboat::test
