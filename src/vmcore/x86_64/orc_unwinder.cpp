// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/orc_unwinder.h"

#include "src/vmcore/modules.h"
#include "src/vmcore/x86_64/unwind_frames.h"

namespace lifeboat::x86_64 {
namespace {

// struct inactive_task_frame: what __switch_to_asm leaves on the stack of a task that sleeps.
struct SleepFrame {
  uint64_t bp = 40, ret_addr = 48, size = 56;
};

SleepFrame find_sleep_frame(const KernelTypes& types) {
  const auto bp = types.field("inactive_task_frame", "bp");
  const auto ret_addr = types.field("inactive_task_frame", "ret_addr");
  const auto size = types.size_of("inactive_task_frame");
  if (!bp || !ret_addr || !size) return {};
  return {bp->offset, ret_addr->offset, *size};
}

struct Symbols {
  explicit Symbols(const Kallsyms& symbols) {
    const auto found = symbols.addresses_of(
        {"_stext", "_etext", "_sinittext", "_einittext", "__start_orc_unwind_ip", "__start_orc_unwind",
         "__stop_orc_unwind", "__start_orc_header", "orc_header", "ret_from_fork_asm", "ret_from_fork",
         "return_to_handler", "arch_rethook_trampoline", "kretprobe_trampoline", "__kretprobe_trampoline"});
    text = found[0], text_end = found[1], init_text = found[2], init_text_end = found[3];
    orc_ips = found[4], orc_entries = found[5], orc_end = found[6];
    orc_header = found[7] ? found[7] : found[8];
    task_start = found[9] ? found[9] : found[10];
    for (size_t index = 11; index < found.size(); ++index)
      if (found[index]) trampolines.push_back(*found[index]);
  }
  std::optional<uint64_t> text, text_end, init_text, init_text_end, orc_ips, orc_entries, orc_end, orc_header,
      task_start;
  std::vector<uint64_t> trampolines;
};

Result<OrcPlace> find_orc(const Symbols& symbols) {
  if (!symbols.orc_ips || !symbols.orc_entries || !symbols.orc_end) {
    return fail(ErrorCode::not_found,
                "no ORC unwind tables: no symbol __start_orc_unwind, or the kernel uses another unwinder");
  }
  if (*symbols.orc_end < *symbols.orc_entries)
    return fail(ErrorCode::corrupt, "__stop_orc_unwind lies below __start_orc_unwind");
  return OrcPlace{*symbols.orc_ips, *symbols.orc_entries,
                  (*symbols.orc_end - *symbols.orc_entries) / sizeof(RawOrcEntry)};
}

Result<OrcVersion> find_orc_version(const KernelMemory& memory, const Symbols& symbols,
                                    const OrcPlace& place) {
  if (symbols.orc_header) {
    if (const auto hash = memory.read<uint32_t>(*symbols.orc_header)) {
      if (const auto version = orc_version_of_header(swap_bytes(*hash))) return *version;
    }
  }
  return orc_version_of_entries(memory, place);
}

class OrcUnwinder final : public Unwinder {
 public:
  static Result<std::unique_ptr<Unwinder>> create(const KernelMemory& memory, const KernelTypes& types,
                                                  const Kallsyms& symbols);

  [[nodiscard]] const std::vector<std::string>& notes() const override { return notes_; }
  [[nodiscard]] Backtrace sleeping(const Task& task) const override;
  [[nodiscard]] Backtrace running(const RegisterSet& registers, const Task* task) const override;

 private:
  OrcUnwinder(const KernelMemory& kernel, StackMap stack_map)
      : memory_(&kernel), code_(kernel), stacks_(std::move(stack_map)), notes_(stacks_.notes()) {}

  // vmlinux's table, and the version that the modules' tables have too.
  Result<std::pair<std::shared_ptr<OrcTable>, OrcVersion>> open_tables(const Symbols& symbols) const {
    const OrcPlace place = TRY(find_orc(symbols));
    const OrcVersion version = TRY(find_orc_version(*memory_, symbols, place));
    auto table = TRY(OrcTable::create(*memory_, place, version));
    return std::pair(std::make_shared<OrcTable>(std::move(table)), version);
  }

  void add_modules(const ModuleList& modules, const KernelTypes& types, std::optional<OrcVersion> version) {
    const auto count = types.field("module", "arch.num_orcs");
    const auto entries = types.field("module", "arch.orc_unwind");
    const auto ips = types.field("module", "arch.orc_unwind_ip");
    const bool have_orc = version && count && entries && ips;
    for (const Module& module : modules.modules) {
      std::shared_ptr<OrcTable> table;
      if (have_orc) {
        auto opened = open_module_table(module, *count, *entries, *ips, *version);
        if (opened)
          table = *std::move(opened);
        else
          notes_.push_back(fmt::format("module {}: {}", module.name, opened.error().message));
      }
      // Before 6.4 a piece holds text and data; there is no call in front of what lies in data.
      for (const Module::Piece& piece : module.pieces) code_.add(piece.start, piece.end, table);
    }
  }

  // nullptr: it has no code that objtool processes.
  [[nodiscard]] Result<std::shared_ptr<OrcTable>> open_module_table(const Module& module, const Field& count,
                                                                    const Field& entries, const Field& ips,
                                                                    OrcVersion version) const {
    OrcPlace place;
    place.count = TRY(KernelTypes::number(*memory_, module.address, count));
    place.entries = TRY(KernelTypes::number(*memory_, module.address, entries));
    place.ips = TRY(KernelTypes::number(*memory_, module.address, ips));
    if (place.count == 0) return nullptr;
    return std::make_shared<OrcTable>(TRY(OrcTable::create(*memory_, place, version)));
  }

  const KernelMemory* memory_;
  CodeMap code_;
  StackMap stacks_;
  std::vector<std::string> notes_;
  SleepFrame sleep_frame_;
  std::optional<uint64_t> task_start_;  // where a task begins that has never run
};

Result<std::unique_ptr<Unwinder>> OrcUnwinder::create(const KernelMemory& memory, const KernelTypes& types,
                                                      const Kallsyms& symbols) {
  const Symbols found(symbols);
  if (!found.text || !found.text_end)
    return fail(
        ErrorCode::not_found,
        "the dump has no symbol _stext or _etext: cannot distinguish the kernel's code from its data");
  std::unique_ptr<OrcUnwinder> made(new OrcUnwinder(memory, StackMap::read(memory, types, symbols)));
  made->sleep_frame_ = find_sleep_frame(types);
  made->task_start_ = found.task_start;
  for (const uint64_t address : found.trampolines) made->code_.add_trampoline(address);
  made->code_.set_function_start([&symbols](uint64_t address) -> std::optional<uint64_t> {
    const auto symbol = symbols.at(address);
    return symbol ? std::optional(symbol->symbol.address) : std::nullopt;
  });

  std::shared_ptr<OrcTable> table;
  std::optional<OrcVersion> version;
  if (auto tables = made->open_tables(found)) {
    std::tie(table, version) = *std::move(tables);
  } else {
    made->notes_.push_back(tables.error().message);
  }
  made->code_.add(*found.text, *found.text_end, table);
  if (found.init_text && found.init_text_end) made->code_.add(*found.init_text, *found.init_text_end, table);
  if (const auto modules = ModuleList::read(memory, symbols, types))
    made->add_modules(*modules, types, version);
  else
    made->notes_.push_back(modules.error().message);
  return made;
}

Backtrace OrcUnwinder::sleeping(const Task& task) const {
  Backtrace trace;
  if (task.stack == 0) {
    trace.end = "its stack is already freed";
    return trace;
  }
  const Stack stack = stacks_.task_stack(task.stack);
  const SleepFrame& frame = sleep_frame_;
  if (task.stack_pointer % 8 != 0 || !stack.holds(task.stack_pointer, frame.size)) {
    trace.end =
        fmt::format("its stack pointer {:#x} is not on its stack at {:#x}", task.stack_pointer, task.stack);
    return trace;
  }
  const auto ip = memory_->read<uint64_t>(task.stack_pointer + frame.ret_addr);
  const auto bp = memory_->read<uint64_t>(task.stack_pointer + frame.bp);
  if (!ip || !bp) {
    trace.end = fmt::format("its stack cannot be read: {}", (ip ? bp : ip).error().message);
    return trace;
  }
  UnwindStart start{.ip = *ip, .sp = task.stack_pointer + frame.size, .bp = *bp};
  // The task has never run: the address is its start, not a return address.
  start.interrupted = task_start_ && *ip == *task_start_;
  start.task_stack = stack;
  start.slept = true;
  trace = FrameWalker(*memory_, code_, stacks_, start).walk();
  if (task.on_cpu) {
    for (Frame& inner : trace.frames) inner.reliable = false;
    trace.fallback =
        "it was running and its registers are unknown: these frames are from where it last slept";
  }
  return trace;
}

Backtrace OrcUnwinder::running(const RegisterSet& registers, const Task* task) const {
  const Registers all = Registers::from_set(registers);
  UnwindStart start{.ip = all.ip, .sp = all.sp, .bp = all.bp, .interrupted = true};
  start.registers = all;
  if (task != nullptr && task->stack != 0) start.task_stack = stacks_.task_stack(task->stack);
  return FrameWalker(*memory_, code_, stacks_, start).walk();
}

}  // namespace

Result<std::unique_ptr<Unwinder>> orc_unwinder(const KernelMemory& memory, const KernelTypes& types,
                                               const Kallsyms& symbols) {
  return OrcUnwinder::create(memory, types, symbols);
}

}  // namespace lifeboat::x86_64
