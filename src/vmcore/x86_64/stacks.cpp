// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/stacks.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "src/vmcore/per_cpu.h"
#include "src/vmcore/unwind.h"
#include "src/vmcore/x86_64/page_table.h"

namespace lifeboat::x86_64 {

std::string_view stack_kind_name(StackKind kind) {
  switch (kind) {
    case StackKind::task:
      return kTaskStack;
    case StackKind::irq:
      return "IRQ";
    case StackKind::nmi:
      return "NMI";
    case StackKind::double_fault:
      return "double fault";
    case StackKind::debug:
      return "debug";
    case StackKind::machine_check:
      return "machine check";
    case StackKind::vmm_communication:
      return "VMM communication";
    case StackKind::entry:
      return "entry";
    case StackKind::unknown:
      break;
  }
  return kUnknownStack;
}

namespace {

// Ten times the largest configuration.
constexpr uint64_t kMaxStackBytes = uint64_t{1} << 20;

// Members of struct cea_exception_stacks. DB1 until 5.7, VC since 5.10.
constexpr std::pair<std::string_view, StackKind> kExceptionStacks[] = {
    {"DF_stack", StackKind::double_fault},
    {"NMI_stack", StackKind::nmi},
    {"DB1_stack", StackKind::debug},
    {"DB_stack", StackKind::debug},
    {"MCE_stack", StackKind::machine_check},
    {"VC_stack", StackKind::vmm_communication},
    {"VC2_stack", StackKind::vmm_communication}};

// Adds the stacks of one CPU after the other.
class StackReader {
 public:
  StackReader(const KernelMemory& memory, const KernelTypes& types, const Kallsyms& symbols)
      : memory_(memory), types_(types) {
    const auto found = symbols.addresses_of({"hardirq_stack_ptr", "pcpu_hot", "cea_exception_stacks"});
    irq_pointer_ = found[0];
    // One per-CPU struct of 6.2 to 6.14 held the hot variables (c063a217bc07).
    if (!irq_pointer_ && found[1]) {
      if (const auto field = types.field("pcpu_hot", "hardirq_stack_ptr"))
        irq_pointer_ = *found[1] + field->offset;
    }
    exceptions_pointer_ = found[2];
  }

  void add(const PerCpu::Cpu& cpu) {
    add_irq(cpu);
    add_exceptions(cpu);
  }

  std::vector<Stack> stacks;
  std::vector<std::string> notes;

 private:
  void note(std::string text) {
    if (std::ranges::find(notes, text) == notes.end()) notes.push_back(std::move(text));
  }

  void add_irq(const PerCpu::Cpu& cpu) {
    if (!irq_pointer_)
      return note("the stacks of interrupts cannot be found: no symbol hardirq_stack_ptr or pcpu_hot");
    const auto pointer = memory_.read<uint64_t>(*irq_pointer_ + cpu.offset);
    if (!pointer)
      return note(fmt::format("the interrupt stack of CPU {}: {}", cpu.number, pointer.error().message));
    // Of a CPU that was never up.
    if (*pointer < kMaxStackBytes) return;
    // The end, or the word before it; the stack is made of whole pages.
    const uint64_t end = align_up(*pointer, kPageBytes);
    constexpr uint64_t kUsual = 16384;
    const uint64_t size = stack_bytes(types_.size_of("irq_stack"), kUsual);
    stacks.push_back({StackKind::irq, end - size, end, cpu.number});
  }

  void add_exceptions(const PerCpu::Cpu& cpu) {
    if (!exceptions_pointer_)
      return note("the stacks of exceptions cannot be found: no symbol cea_exception_stacks");
    const auto pointer = memory_.read<uint64_t>(*exceptions_pointer_ + cpu.offset);
    if (!pointer)
      return note(fmt::format("the exception stacks of CPU {}: {}", cpu.number, pointer.error().message));
    if (*pointer == 0) return;
    if (!types_.structure("cea_exception_stacks"))
      return note("the stacks of exceptions cannot be found: no type cea_exception_stacks");
    for (const auto& [name, kind] : kExceptionStacks) {
      if (const auto field = types_.field("cea_exception_stacks", name))
        add_field(kind, *pointer, *field, cpu);
    }
    const auto area = types_.field("cpu_entry_area", "estacks");
    const auto entry = types_.field("cpu_entry_area", "entry_stack_page");
    if (area && entry) add_field(StackKind::entry, *pointer - area->offset, *entry, cpu);
  }

  void add_field(StackKind kind, uint64_t object, const Field& field, const PerCpu::Cpu& cpu) {
    if (field.size == 0 || field.size > kMaxStackBytes || field.offset > kMaxStackBytes) return;
    const uint64_t begin = object + field.offset;
    stacks.push_back({kind, begin, begin + field.size, cpu.number});
  }

  static uint64_t stack_bytes(const Result<uint64_t>& size, uint64_t usual) {
    return size && *size >= kPageBytes && *size <= kMaxStackBytes && *size % kPageBytes == 0 ? *size : usual;
  }

  const KernelMemory& memory_;
  const KernelTypes& types_;
  std::optional<uint64_t> irq_pointer_, exceptions_pointer_;
};

}  // namespace

StackMap::StackMap(std::vector<Stack> cpu_stacks, uint64_t task_stack_bytes)
    : task_stack_bytes_(task_stack_bytes) {
  // A damaged pointer may make them overlap or wrap around the end of the address space.
  std::erase_if(cpu_stacks, [](const Stack& stack) { return stack.begin >= stack.end; });
  std::ranges::sort(cpu_stacks, {}, &Stack::begin);
  for (const Stack& stack : cpu_stacks) {
    if (stacks_.empty() || stack.begin >= stacks_.back().end) stacks_.push_back(stack);
  }
}

StackMap StackMap::read(const KernelMemory& memory, const KernelTypes& types, const Kallsyms& symbols) {
  uint64_t task_stack_bytes = kUsualTaskStack;
  if (const auto size = types.size_of("thread_union");
      size && std::has_single_bit(*size) && *size >= kPageBytes && *size <= kMaxStackBytes)
    task_stack_bytes = *size;
  StackReader reader(memory, types, symbols);
  if (const auto cpus = PerCpu::read(memory, symbols)) {
    for (const PerCpu::Cpu& cpu : cpus->cpus()) reader.add(cpu);
  } else {
    reader.notes.push_back(cpus.error().message);
  }
  StackMap map(std::move(reader.stacks), task_stack_bytes);
  map.notes_ = std::move(reader.notes);
  return map;
}

const Stack* StackMap::find(uint64_t address) const {
  const auto after = std::ranges::upper_bound(stacks_, address, {}, &Stack::begin);
  if (after == stacks_.begin()) return nullptr;
  const Stack& stack = *std::prev(after);
  return address < stack.end ? &stack : nullptr;
}

Stack StackMap::task_stack(uint64_t lowest) const {
  // Nothing, instead of wrapping around the end of the address space.
  const uint64_t end = lowest + task_stack_bytes_;
  return {StackKind::task, lowest, end > lowest ? end : lowest, std::nullopt};
}

Stack StackMap::task_stack_around(uint64_t address) const {
  Stack stack = task_stack(align_down(address, task_stack_bytes_));
  stack.kind = StackKind::unknown;
  return stack;
}

}  // namespace lifeboat::x86_64
