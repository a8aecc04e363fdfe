// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/toy_kernel.h"

#include <elf.h>

#include <algorithm>
#include <cassert>

#include "tests/support/btf_builder.h"
#include "tests/support/elf_builder.h"
#include "tests/support/kallsyms_builder.h"
#include "tests/support/kdump_builder.h"

namespace lifeboat::test {
namespace {

using namespace toy;

// RAM does not begin at 0.
constexpr uint64_t kRamStart = uint64_t{1} << 30, kRamPages = 64;
constexpr uint64_t kTable = kRamStart;
constexpr uint64_t kFunctionBytes = 0x100;
constexpr uint64_t kRunqueues = 0x2000, kCrashNotes = 0x2800, kIdle = 8, kThreadHead = 8;
// From the outermost to the innermost.
constexpr const char* kFunctions[] = {"toy_start", "toy_syscall",    "toy_driver_write", "toy_trap",
                                      "panic",     "toy_stop",       "schedule",         "do_wait",
                                      "toy_idle",  "toy_bad_address"};

namespace task {
constexpr uint64_t kState = 0, kCpu = 4, kStack = 8, kOnCpu = 16, kPid = 20, kTgid = 24, kTasks = 32,
                   kParent = 48, kSignal = 56, kThreadNode = 64, kComm = 80, kRecord = 96, kSize = 128;
}

}  // namespace

ToyKernel::ToyKernel() {
  memory_.write(kTable, std::vector<std::byte>(kPageBytes));
  make_code();
  make_log_pointer();
  set_key("OSRELEASE", "7.0.0-toy");
  set_key("CRASHTIME", "1700000000");
  set_key("PAGESIZE", std::to_string(kPageBytes));
  set_key(fmt::format("NUMBER({})", kTableKey), std::to_string(kTable));
  set_key("SYMBOL(_stext)", fmt::format("{:x}", kKernelBase));
  set_log({{0, 1'000'000'000, 0, 5, 0, "Linux version 7.0.0-toy"},
           {1, 2'000'000'000, 0, 1, 0,
            "Unable to handle kernel NULL pointer dereference at virtual address 0000000000002010"},
           {2, 2'000'001'000, 0, 1, 0, "toy pc: toy_driver_write+0x40/0x100"},
           {3, 2'000'002'000, 0, 0, 0, "Kernel panic - not syncing: Fatal exception"}});
  make_types();
  make_tasks();
  make_cpus();
  write_symbols();
}

// Neighbours in virtual memory are not neighbours in physical memory: pages change places in pairs.
uint64_t ToyKernel::to_physical(uint64_t virtual_address) {
  const uint64_t page = ((virtual_address - kKernelBase) / kPageBytes) ^ 1;
  return kRamStart + (2 + page) * kPageBytes + virtual_address % kPageBytes;
}

uint64_t ToyKernel::entry_of(uint64_t virtual_address) {
  return kTable + (virtual_address - kKernelBase) / kPageBytes * sizeof(uint64_t);
}

uint64_t ToyKernel::allocate(uint64_t bytes) {
  const uint64_t begin = next_;
  for (; next_ < begin + bytes; next_ += kPageBytes) {
    const uint64_t physical = to_physical(next_);
    assert(physical < kRamStart + kRamPages * kPageBytes);
    memory_.write(physical, std::vector<std::byte>(kPageBytes));
    memory_.write64(entry_of(next_), physical / kPageBytes << kEntryFrameShift | kPresent);
  }
  return begin;
}

void ToyKernel::write(uint64_t virtual_address, ByteSpan bytes) {
  while (!bytes.empty()) {
    const size_t count = std::min<uint64_t>(bytes.size(), kPageBytes - virtual_address % kPageBytes);
    memory_.write(to_physical(virtual_address), bytes.first(count));
    virtual_address += count;
    bytes = bytes.subspan(count);
  }
}

void ToyKernel::link(uint64_t a, uint64_t b) {
  write64(a, b);
  write64(b + 8, a);
}

void ToyKernel::make_code() {
  const uint64_t code = allocate(kPageBytes);
  for (size_t index = 0; index < std::size(kFunctions); ++index)
    symbols[kFunctions[index]] = code + index * kFunctionBytes;
  symbols["_etext"] = code + std::size(kFunctions) * kFunctionBytes;
}

void ToyKernel::make_types() {
  BtfBuilder types;
  const TypeId u32 = types.integer("unsigned int", 4), u64 = types.integer("unsigned long", 8);
  const TypeId letter = types.integer("char", 1, BtfBuilder::Encoding::is_signed);
  const TypeId pointer = types.pointer(0), comm = types.array(letter, 16);
  const TypeId list = types.structure("list_head", 16, {{"next", pointer, 0}, {"prev", pointer, 64}});
  const TypeId thread = types.structure("thread_struct", 8, {{"record", u64, 0}});
  types.structure("task_struct", task::kSize,
                  {{"__state", u32, task::kState * 8},
                   {"cpu", u32, task::kCpu * 8},
                   {"stack", pointer, task::kStack * 8},
                   {"on_cpu", u32, task::kOnCpu * 8},
                   {"pid", u32, task::kPid * 8},
                   {"tgid", u32, task::kTgid * 8},
                   {"tasks", list, task::kTasks * 8},
                   {"real_parent", pointer, task::kParent * 8},
                   {"signal", pointer, task::kSignal * 8},
                   {"thread_node", list, task::kThreadNode * 8},
                   {"comm", comm, task::kComm * 8},
                   {"thread", thread, task::kRecord * 8}});
  types.structure("signal_struct", 24, {{"thread_head", list, kThreadHead * 8}});
  types.structure("rq", 16, {{"idle", pointer, kIdle * 8}});
  const auto blob = types.build();
  const uint64_t place = allocate(blob.size());
  write(place, blob);
  symbols["__start_BTF"] = place;
  symbols["__stop_BTF"] = place + blob.size();
}

uint64_t ToyKernel::make_task(int32_t pid, const std::string& comm, uint32_t state) {
  const uint64_t object = allocate(kPageBytes), stack = allocate(kStackBytes), signal = object + 0x1000;
  tasks[pid] = object;
  write32(object + task::kState, state);
  write32(object + task::kPid, static_cast<uint32_t>(std::max(pid, 0)));
  write32(object + task::kTgid, static_cast<uint32_t>(std::max(pid, 0)));
  write(object + task::kComm, as_byte_span(comm));
  write64(object + task::kStack, stack);
  write64(object + task::kParent, tasks.at(0));
  write64(object + task::kSignal, signal);
  link(signal + kThreadHead, object + task::kThreadNode);
  link(object + task::kThreadNode, signal + kThreadHead);
  // It sleeps: schedule() called by do_wait(), called by the system call.
  auto& own = records[pid];
  for (uint64_t record = stack + kStackBytes - 0x400; own.size() < 4; record += 0x100) own.push_back(record);
  const std::array callers = {inside("schedule"), inside("do_wait"), inside("toy_syscall"), uint64_t{0}};
  for (size_t index = 0; index < own.size(); ++index) {
    write64(own[index], index + 1 < own.size() ? own[index + 1] : 0);
    write64(own[index] + 8, callers[index]);
  }
  write64(object + task::kRecord, own.front());
  return object;
}

void ToyKernel::make_tasks() {
  uint64_t last = make_task(0, "swapper/0", 0);
  for (const auto& [pid, comm, state] : {std::tuple{1, "init", 1u}, {5, "reader", 2u}, {7, "writer", 0u}}) {
    const uint64_t object = make_task(pid, comm, state);
    link(last + task::kTasks, object + task::kTasks);
    last = object;
  }
  link(last + task::kTasks, tasks.at(0) + task::kTasks);
  write32(tasks.at(7) + task::kOnCpu, 1);
  symbols["init_task"] = tasks.at(0);
}

void ToyKernel::make_cpus() {
  write32(make_task(-1, "swapper/1", 0) + task::kCpu, 1);
  write32(tasks.at(-1) + task::kOnCpu, 1);
  const uint64_t variables = allocate(kPageBytes), offsets = variables + 0x1000;
  write64(variables, 3);  // both CPUs are possible
  write32(variables + 8, 2);
  write64(variables + 16, kCrashNotes);
  symbols.insert({{"__cpu_possible_mask", variables},
                  {"nr_cpu_ids", variables + 8},
                  {"crash_notes", variables + 16},
                  {"crashing_cpu", variables + 24},
                  {"tainted_mask", variables + 32},
                  {"__per_cpu_offset", offsets}});
  for (uint64_t cpu = 0; cpu < 2; ++cpu) {
    const uint64_t data = allocate(kPageBytes);
    write64(offsets + cpu * 8, data - kRunqueues);
    write64(data + kIdle, tasks.at(cpu == 0 ? 0 : -1));
    if (cpu == 0) crash_note = data - kRunqueues + kCrashNotes;
  }
  // Task 7: toy_stop, called by panic, by toy_trap, which interrupted toy_driver_write, called by
  // toy_syscall.
  auto& own = records.at(7);
  const uint64_t in_panic = own[0] - 0x200, in_trap = own[0] - 0x180, boundary = own[0] - 0x100;
  const std::array<uint64_t, kRegisters> interrupted = {
      0x10, 0x11, 0x12, 0x13, kStatusInterrupts, inside("toy_driver_write"), own[2], own[1]};
  write64(in_panic, in_trap);
  write64(in_panic + 8, inside("panic"));
  write64(in_trap, boundary);
  write64(in_trap + 8, inside("toy_trap"));
  write64(boundary, own[0]);
  write64(boundary + 8, kInterrupted);
  write(boundary + kRecordBytes, std::as_bytes(std::span(interrupted)));
  own.insert(own.begin(), {in_panic, in_trap, boundary});
  write(crash_note, toy_prstatus_note(7, {1, 2, 3, 4, 0, inside("toy_stop"), in_panic, in_panic - 16}));
}

void ToyKernel::write_symbols() {
  std::vector<Symbol> all = {
      {"runqueues", kRunqueues, 'D', ""}, {"_stext", kKernelBase, 'T', ""}, {"_text", kKernelBase, 'T', ""}};
  for (const auto& [name, address] : symbols)
    all.push_back({name, address, address < symbols.at("_etext") ? 'T' : 'D', ""});
  all.push_back({"_end", next_, 'B', ""});
  std::ranges::stable_sort(all, {}, &Symbol::address);
  put_kallsyms(*this, all, {.form = AddressForm::absolute});
}

std::vector<std::byte> ToyKernel::kdump(ByteSpan notes) {
  const PageSize page_size = PageSize::of(kPageBytes).value();
  const uint64_t first = page_size.frame(kRamStart);
  KdumpBuilder file(first + kRamPages, page_size);
  file.machine(kMachine).raw_notes(notes).vmcoreinfo(vmcoreinfo()).ram(first, kRamPages);
  for (uint64_t pfn = first; pfn < first + kRamPages; ++pfn) {
    std::vector<std::byte> page(kPageBytes);
    if (memory_.read(page_size.address(pfn), page)) file.page(pfn, page, Compression::zstd);
  }
  return file.build();
}

std::vector<std::byte> ToyKernel::elf(ByteSpan notes) {
  std::vector<std::byte> ram(kRamPages * kPageBytes);
  for (uint64_t at = 0; at < ram.size(); at += kPageBytes)
    ignore_result(memory_.read(kRamStart + at, MutableByteSpan(ram).subspan(at, kPageBytes)));
  return ElfBuilder()
      .machine(kElfMachine)
      .raw_notes(notes)
      .vmcoreinfo(vmcoreinfo())
      .load(kRamStart, ram)
      .build();
}

std::vector<std::byte> toy_prstatus_note(int32_t pid, const std::array<uint64_t, kRegisters>& registers,
                                         size_t bytes) {
  // g++ 14 takes a vector that grows afterwards for one that is written beyond its end.
  std::vector<std::byte> status(std::max(bytes, kPrstatusBytes));
  std::ranges::copy(object_bytes(pid), status.begin() + kPrstatusPid);
  std::ranges::copy(object_bytes(registers), status.begin() + kPrstatusRegisters);
  status.resize(bytes);
  return elf_note("CORE", NT_PRSTATUS, status);
}

}  // namespace lifeboat::test
