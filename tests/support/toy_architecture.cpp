// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/toy_architecture.h"

#include <array>

#include "src/vmcore/kernel_types.h"
#include "src/vmcore/unwind.h"

namespace lifeboat::test {
namespace {

using namespace toy;

using Words = std::array<uint64_t, kRegisters>;

// A machine with a choice: VMCOREINFO decides.
constexpr std::array<PageSize, 2> kPageSizes = {PageSize::of(kPageBytes).value(),
                                                PageSize::of(65536).value()};
constexpr std::array<std::string_view, kRegisters> kNames = {"a0",     "a1", "a2", "a3",
                                                             "status", "pc", "fp", "sp"};
constexpr std::array<std::string_view, 1> kSymbols = {"toy_trap"};
constexpr std::array<std::string_view, 2> kPanicPath = {"toy_stop", "toy_trap"};
constexpr std::array kHandlers = {ArchitectureFacts::Handler{"toy_bad_address", Exception::bad_address}};
constexpr std::array kGlobalTypes = {ArchitectureFacts::GlobalType{"toy_state", "unsigned int"}};

constexpr ArchitectureFacts kFacts = {
    .machine = kMachine,
    .elf_machine = kElfMachine,
    .page_sizes = kPageSizes,
    .lowest_kernel_address = kKernelBase,
    .max_image_bytes = kEntries * kPageBytes,
    .image_bytes_key = {},
    .image_offset_key = {},
    .illegal_pointer = 0xbad0000000000000,
    .stack_pointer_member = "thread.record",
    .symbols = kSymbols,
    .global_types = kGlobalTypes,
    .panic_path = kPanicPath,
    .exception_handlers = kHandlers,
    .assembly = {"toy_trap", "arch/toy/trap.S"},
};

class PageTable final : public AddressSpace {
 public:
  PageTable(PhysicalMemory& memory, uint64_t table) : memory_(memory), table_(table) {}

  Result<Translation> translate(uint64_t address) override {
    const uint64_t page = (address - kKernelBase) / kPageBytes, within = address % kPageBytes;
    if (address < kKernelBase || page >= kEntries)
      return fail(ErrorCode::not_mapped, "{:#x} is not an address of the kernel", address);
    uint64_t entry = 0;
    TRY_VOID(memory_.read(table_ + page * sizeof entry, std::as_writable_bytes(std::span(&entry, 1))));
    if ((entry & kPresent) == 0) return fail(ErrorCode::not_mapped, "{:#x} is not mapped", address);
    return Translation{(entry >> kEntryFrameShift) * kPageBytes + within, kPageBytes - within};
  }

  [[nodiscard]] TableFrames table_frames(size_t max) const override {
    TableFrames found;
    found.cut = max == 0;
    if (!found.cut) found.frames.push_back(table_ / kPageBytes);
    return found;
  }

 private:
  PhysicalMemory& memory_;
  uint64_t table_;
};

RegisterSet register_set(const Words& words) {
  RegisterSet set{.instruction_pointer = words[pc],
                  .stack_pointer = words[toy::sp],
                  .user_mode = (words[status] & kStatusUser) != 0,
                  .interrupts_off = (words[status] & kStatusInterrupts) == 0,
                  .complete = true,
                  .values = {}};
  for (size_t index = 0; index < kRegisters; ++index) set.values.push_back({kNames[index], words[index]});
  return set;
}

class RecordUnwinder final : public Unwinder {
 public:
  explicit RecordUnwinder(const KernelMemory& memory) : memory_(memory) {}
  [[nodiscard]] const std::vector<std::string>& notes() const override { return notes_; }

  // It saved a record whose return address is where it goes on.
  [[nodiscard]] Backtrace sleeping(const Task& task) const override {
    Backtrace trace;
    follow(trace, task.stack_pointer, task.stack);
    return trace;
  }

  [[nodiscard]] Backtrace running(const RegisterSet& registers, const Task* task) const override {
    Backtrace trace;
    if (registers.user_mode) {
      trace.user = registers;
      return trace;
    }
    trace.frames.push_back({.address = registers.instruction_pointer,
                            .stack_pointer = registers.stack_pointer,
                            .interrupted = true,
                            .registers = registers});
    const uint64_t stack = task != nullptr ? task->stack : align_down(registers.stack_pointer, kStackBytes);
    follow(trace, registers.value("fp").value_or(0), stack);
    return trace;
  }

 private:
  // From the record on. The rule: a record is above its callee's, on the same stack.
  void follow(Backtrace& trace, uint64_t record, uint64_t stack) const {
    uint64_t lowest = stack;
    for (;;) {
      if (record % kRecordBytes != 0 || record < lowest || record - stack > kStackBytes - kRecordBytes) {
        trace.end = fmt::format("the frame record {:#x} is not above {:#x} on the stack", record, lowest);
        return;
      }
      const auto words = memory_.read<std::array<uint64_t, 2>>(record);
      if (!words) {
        trace.end = words.error().to_string();
        return;
      }
      const auto [next, address] = *words;
      if (next == 0 && address == 0) return;
      lowest = record + kRecordBytes;
      record = next;
      if (address != kInterrupted) {
        trace.frames.push_back({.address = address, .stack_pointer = lowest, .registers = {}});
        continue;
      }
      const auto saved = memory_.read<Words>(lowest);
      if (!saved) {
        trace.end = saved.error().to_string();
        return;
      }
      const RegisterSet registers = register_set(*saved);
      if (registers.user_mode) {
        trace.user = registers;
        return;
      }
      trace.frames.push_back({.address = registers.instruction_pointer,
                              .stack_pointer = registers.stack_pointer,
                              .interrupted = true,
                              .registers = registers});
      record = (*saved)[fp];
    }
  }

  const KernelMemory& memory_;
  std::vector<std::string> notes_;
};

class Toy final : public Architecture {
 public:
  [[nodiscard]] const ArchitectureFacts& facts() const override { return kFacts; }

  [[nodiscard]] Result<std::unique_ptr<AddressSpace>> kernel_address_space(PhysicalMemory& memory,
                                                                           const Vmcoreinfo& info,
                                                                           PageSize) const override {
    const auto table = static_cast<uint64_t>(TRY(info.require_number(kTableKey)));
    return std::make_unique<PageTable>(memory, table);
  }

  [[nodiscard]] std::optional<SavedRegisters> parse_prstatus(ByteSpan description) const override {
    const auto pid = load<int32_t>(description, kPrstatusPid, "NT_PRSTATUS");
    const auto words = load<Words>(description, kPrstatusRegisters, "NT_PRSTATUS");
    if (!pid || !words) return std::nullopt;
    return SavedRegisters{*pid, register_set(*words)};
  }

  [[nodiscard]] Result<std::unique_ptr<Unwinder>> unwinder(const KernelMemory& memory, const KernelTypes&,
                                                           const Kallsyms&) const override {
    return std::make_unique<RecordUnwinder>(memory);
  }

  [[nodiscard]] std::vector<AddressRange> released_image(const KernelMemory&,
                                                         const Kallsyms&) const override {
    return {};
  }

  [[nodiscard]] std::string_view explain_address(uint64_t address) const override {
    return address < kKernelBase ? "below the toy's kernel" : "in the toy's kernel";
  }

  [[nodiscard]] OopsLine parse_oops_line(std::string_view line) const override {
    constexpr std::string_view kPlace = "toy pc: ";
    if (!line.starts_with(kPlace)) return {};
    return {.instruction = line.substr(kPlace.size()), .access = {}};
  }
};

}  // namespace

const Architecture& toy_architecture() {
  static const Toy the;
  return the;
}

}  // namespace lifeboat::test
