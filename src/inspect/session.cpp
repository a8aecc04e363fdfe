// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/session.h"

#include <optional>

#include "src/vmcore/dump_kernel.h"

namespace lifeboat::inspect {

struct Session::State {
  State(std::unique_ptr<Dump> opened, const Architecture* known)
      : dump(std::move(opened)), architecture(known) {}
  std::unique_ptr<Dump> dump;
  const Architecture* architecture;  // nullptr: that of the dump's machine
  // In the order in which they depend on each other.
  std::optional<Result<KernelMemory>> kernel;
  std::optional<Result<KernelLog>> log;
  std::optional<Result<Kallsyms>> symbols;
  std::optional<Result<KernelTypes>> types;
  std::optional<Result<PerCpu>> per_cpu;
  std::optional<Result<ModuleList>> modules;
  std::optional<Symbols> names;
  std::optional<Result<TaskList>> tasks;
  std::optional<Result<std::unique_ptr<Unwinder>>> unwinder;
  std::optional<Result<std::vector<CpuRegisters>>> registers;
  std::unique_ptr<DebugInfo> debug_info;
};

namespace {

constexpr int kMaxLooks = 3;

template <typename T, typename Make>
const Result<T>& once(std::optional<Result<T>>& slot, Make make) {
  if (!slot) slot.emplace(make());
  return *slot;
}

}  // namespace

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::open(const std::string& path) {
  auto dump = TRY(Dump::open(path));
  TRY_VOID(check_machine(*dump, path));
  return over(std::move(dump));
}

Session Session::over(std::unique_ptr<Dump> dump, const Architecture* architecture) {
  return Session(std::make_unique<State>(std::move(dump), architecture));
}

Dump& Session::dump() const {
  return *state_->dump;
}

const Result<KernelMemory>& Session::kernel() const {
  return once(state_->kernel, [this]() -> Result<KernelMemory> {
    if (live() && dump().info().vmcoreinfo.empty()) {
      return std::unexpected(
          Error(ErrorCode::not_found, "the running kernel has no VMCOREINFO")
              .hint("use a kernel with CONFIG_VMCORE_INFO (CONFIG_CRASH_CORE before 6.9), part of kexec"));
    }
    if (state_->architecture == nullptr) return kernel_of(dump());
    return KernelMemory::create(dump(), *state_->architecture, dump().info().vmcoreinfo);
  });
}

const Result<KernelLog>& Session::log() const {
  return once(state_->log, [this]() -> Result<KernelLog> {
    if (!kernel()) return std::unexpected(kernel().error());
    return read_kernel_log(*kernel());
  });
}

const Result<Kallsyms>& Session::symbols() const {
  return once(state_->symbols, [this]() -> Result<Kallsyms> {
    if (!kernel()) return std::unexpected(kernel().error());
    return Kallsyms::read(*kernel());
  });
}

const Result<KernelTypes>& Session::types() const {
  return once(state_->types, [this]() -> Result<KernelTypes> {
    if (!symbols()) return std::unexpected(symbols().error());
    return KernelTypes::read(*kernel(), *symbols());
  });
}

const Result<PerCpu>& Session::per_cpu() const {
  return once(state_->per_cpu, [this]() -> Result<PerCpu> {
    if (!symbols()) return std::unexpected(symbols().error());
    return PerCpu::read(*kernel(), *symbols());
  });
}

const Result<ModuleList>& Session::modules() const {
  return once(state_->modules, [this]() -> Result<ModuleList> {
    if (!types()) return std::unexpected(types().error());
    return ModuleList::read(*kernel(), *symbols(), *types());
  });
}

const Symbols* Session::names() const {
  if (!symbols()) return nullptr;
  if (!state_->names) {
    state_->names.emplace(*kernel(), *symbols(), types() ? &*types() : nullptr,
                          modules() ? &*modules() : nullptr);
  }
  return &*state_->names;
}

const Result<TaskList>& Session::tasks() const {
  return once(state_->tasks, [this]() -> Result<TaskList> {
    if (!types()) return std::unexpected(types().error());
    auto list = read_tasks(*kernel(), *types(), *symbols());
    // A list that changed while it was read may look damaged: read it again.
    for (int look = 1; live() && list && !list->notes.empty() && look < kMaxLooks; ++look)
      list = read_tasks(*kernel(), *types(), *symbols());
    return list;
  });
}

const Result<std::unique_ptr<Unwinder>>& Session::unwinder() const {
  return once(state_->unwinder, [this]() -> Result<std::unique_ptr<Unwinder>> {
    if (!types()) return std::unexpected(types().error());
    return kernel()->architecture().unwinder(*kernel(), *types(), *symbols());
  });
}

const Result<std::vector<CpuRegisters>>& Session::registers() const {
  return once(state_->registers, [this]() -> Result<std::vector<CpuRegisters>> {
    if (!types()) return std::unexpected(types().error());
    if (live()) return fail(ErrorCode::not_found, "the CPUs are running: none of them saved its registers");
    return read_cpu_registers(*kernel(), *symbols(), dump().info().notes);
  });
}

void Session::set_debug_info(std::unique_ptr<DebugInfo> debug_info) {
  state_->debug_info = std::move(debug_info);
}

DebugInfo* Session::debug_info() const {
  return state_->debug_info.get();
}

}  // namespace lifeboat::inspect
