// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/memory_use.h"

#include <algorithm>
#include <map>

namespace lifeboat::inspect {
namespace {

// A counter to which every CPU adds its part later may be below zero for a moment.
uint64_t at_least_zero(int64_t value) {
  return value < 0 ? 0 : static_cast<uint64_t>(value);
}

// The kernel's table of counters named by an enum: "vm_node_stat" by enum node_stat_item.
using Counters = std::map<std::string, uint64_t, std::less<>>;
Result<> read_counters(const Session& session, std::string_view symbol, std::optional<uint64_t> address,
                       std::string_view enumeration, Counters& counters) {
  constexpr int64_t kMaxCounters = 1024;
  if (!address)
    return fail(ErrorCode::not_found, "the kernel's symbols do not list {} (CONFIG_KALLSYMS_ALL is needed)",
                symbol);
  const Btf& btf = session.types()->btf();
  const auto type = btf.find(TypeKind::enumeration, enumeration);
  if (!type) return fail(ErrorCode::not_found, "the kernel's types have no enum {}", enumeration);
  const auto names = TRY(btf.enumerators(*type));
  int64_t count = 0;
  for (const auto& [name, number] : names) {
    // The last names only the number of the others.
    if (number >= 0 && number < kMaxCounters && !name.starts_with("NR_VM_"))
      count = std::max(count, number + 1);
  }
  std::vector<int64_t> values(static_cast<size_t>(count));
  TRY_CONTEXT(session.kernel()->read(*address, std::as_writable_bytes(std::span(values))), "{}", symbol);
  for (const auto& [name, number] : names)
    if (number >= 0 && number < count)
      counters.emplace(name, at_least_zero(values[static_cast<size_t>(number)]));
  return {};
}

class ProcessReader {
 public:
  static Result<ProcessReader> create(const Session& session) {
    const KernelTypes& types = *session.types();
    ProcessReader reader(*session.kernel());
    // f1a7941243c1: the counters became per-CPU counters.
    if (const auto counters = types.field("mm_struct", "rss_stat[0].counters")) {
      reader.counters_ = *counters;
      reader.count_ = TRY(types.field("mm_struct", "rss_stat[0].count"));
      reader.stride_ = TRY(types.size_of("percpu_counter"));
      if (session.per_cpu())
        for (const auto& cpu : session.per_cpu()->cpus()) reader.cpus_.push_back(cpu.offset);
    } else {
      reader.count_ = TRY(types.first_field("mm_struct", {"rss_stat.count[0]", "rss_stat[0].count"}));
      reader.stride_ = sizeof(int64_t);
    }
    return reader;
  }

  Result<ProcessMemory> read(const Task& task) const {
    // include/linux/mm_types_task.h
    constexpr unsigned kFile = 0, kAnonymous = 1, kSwap = 2, kShared = 3;
    ProcessMemory memory{.pid = task.tgid, .comm = task.comm};
    memory.file = TRY(counter(task.mm, kFile));
    memory.anonymous = TRY(counter(task.mm, kAnonymous));
    memory.swapped = TRY(counter(task.mm, kSwap));
    memory.shared = TRY(counter(task.mm, kShared));
    return memory;
  }

 private:
  explicit ProcessReader(const KernelMemory& memory) : memory_(&memory) {}

  [[nodiscard]] Result<uint64_t> counter(uint64_t mm, unsigned index) const {
    const uint64_t place = mm + index * stride_;
    auto sum = static_cast<int64_t>(TRY(KernelTypes::number(*memory_, place, count_)));
    if (counters_) {
      const uint64_t copies = TRY(KernelTypes::number(*memory_, place, *counters_));
      for (const uint64_t offset : cpus_)
        // A CPU whose copy is lost held little.
        if (const auto value = memory_->read<int32_t>(copies + offset)) sum += *value;
    }
    return at_least_zero(sum);
  }

  const KernelMemory* memory_;
  Field count_;
  std::optional<Field> counters_;
  uint64_t stride_ = 0;
  std::vector<uint64_t> cpus_;  // offsets of their data
};

}  // namespace

Result<MemoryUse> read_memory_use(const Session& session) {
  if (!session.types()) return std::unexpected(session.types().error());
  const auto symbols = session.symbols()->addresses_of(
      {"vm_node_stat", "vm_zone_stat", "_totalram_pages", "total_swap_pages", "nr_swap_pages"});
  Counters counters;
  TRY_VOID(read_counters(session, "vm_node_stat", symbols[0], "node_stat_item", counters));
  TRY_VOID(read_counters(session, "vm_zone_stat", symbols[1], "zone_stat_item", counters));
  const auto counter = [&counters](std::initializer_list<std::string_view> names) -> std::optional<uint64_t> {
    for (const auto name : names)
      if (const auto found = counters.find(name); found != counters.end()) return found->second;
    return std::nullopt;
  };
  const auto variable = [&](size_t index) -> std::optional<uint64_t> {
    if (!symbols[index]) return std::nullopt;
    const auto value = session.kernel()->read<int64_t>(*symbols[index]);
    return value ? std::optional(at_least_zero(*value)) : std::nullopt;
  };
  MemoryUse use;
  use.total = variable(2);
  use.free = counter({"NR_FREE_PAGES"});
  use.cache = counter({"NR_FILE_PAGES"});
  use.anonymous = counter({"NR_ANON_MAPPED"});
  use.shared = counter({"NR_SHMEM"});
  // d42f3245c7e2: pages in this table, in spite of the _B.
  use.slab_reclaimable = counter({"NR_SLAB_RECLAIMABLE_B", "NR_SLAB_RECLAIMABLE"});
  use.slab_unreclaimable = counter({"NR_SLAB_UNRECLAIMABLE_B", "NR_SLAB_UNRECLAIMABLE"});
  use.page_tables = counter({"NR_PAGETABLE"});
  if (const auto kilobytes = counter({"NR_KERNEL_STACK_KB"}))
    use.kernel_stacks = session.dump().page_size().frame(*kilobytes * 1024);
  use.dirty = counter({"NR_FILE_DIRTY"});
  use.writeback = counter({"NR_WRITEBACK"});
  use.swap_total = variable(3);
  use.swap_free = variable(4);
  return use;
}

Result<std::vector<ProcessMemory>> read_process_memory(const Session& session) {
  if (!session.tasks()) return std::unexpected(session.tasks().error());
  const ProcessReader reader = TRY(ProcessReader::create(session));
  std::map<uint64_t, const Task*> owners;  // of each address space: the process with the lowest number
  for (const auto& task : session.tasks()->tasks)
    if (task.mm != 0) owners.emplace(task.mm, &task);
  std::vector<ProcessMemory> processes;
  std::optional<Error> first_error;
  for (const auto& [mm, task] : owners) {
    auto memory = reader.read(*task);
    if (memory) {
      processes.push_back(std::move(*memory));
    } else if (!first_error) {
      first_error = std::move(memory).error();
    }
  }
  if (processes.empty() && first_error) return std::unexpected(std::move(*first_error));
  std::ranges::stable_sort(processes, std::greater{}, &ProcessMemory::resident);
  return processes;
}

}  // namespace lifeboat::inspect
