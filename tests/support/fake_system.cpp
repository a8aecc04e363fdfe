// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/fake_system.h"

#include <elf.h>

#include <algorithm>

#include "src/dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/fake_stacks.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

constexpr uint64_t kThreadHead = 8, kIdle = 8, kRunqueues = 0x2000, kCrashNotes = 0x2800;
constexpr uint64_t kStackBytes = 16384;
constexpr uint64_t kFunctionBytes = 0x100;
// In the order in which they call each other, outermost last.
constexpr const char* kFunctions[] = {"schedule", "do_wait", "panic", "sysrq_handle_crash", "thread_begin"};

class FakeDump final : public Dump {
 public:
  FakeDump(FakeKernel& fake, FakeSystem::Reader read) : fake_(fake), read_(std::move(read)) {
    info_.format = DumpFormat::kdump;
    info_.machine = "x86_64";
    info_.dump_level = 31;
    info_.max_pfn = info_.ram_pages = info_.stored_pages = fake.ram_pages();
    info_.cpus = 2;
    info_.vmcoreinfo = fake.vmcoreinfo();
    ram_ = {{0, fake.ram_pages() * kPageSize}};
  }
  [[nodiscard]] const DumpInfo& info() const override { return info_; }
  [[nodiscard]] Result<PageState> page_state(uint64_t pfn) const override {
    return pfn < info_.max_pfn ? PageState::stored : PageState::absent;
  }
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override { return ram_; }
  Result<> read(uint64_t address, MutableByteSpan out) override {
    return read_ ? read_(address, out) : fake_.memory().read(address, out);
  }
  void verify(VerifyReport& report, Progress&) override { report.pages_checked = info_.stored_pages; }

 private:
  FakeKernel& fake_;
  FakeSystem::Reader read_;
  DumpInfo info_;
  std::vector<PhysicalRange> ram_;
};

LogRecord record(uint64_t number, uint8_t level, std::string text) {
  return {number, (number + 1) * 1'000'000'000, 0, level, 0, std::move(text)};
}

}  // namespace

FakeSystem::FakeSystem(NodePointers node_pointers) {
  // Less to search in vain.
  fake.set_key("NUMBER(KERNEL_IMAGE_SIZE)", "16777216");
  make_types(node_pointers);
  make_code();
  make_tasks();
  make_cpus();
  make_memory();
  make_modules();
  fake.set_log({record(0, 5, "Linux version 6.12.0-fake"), record(1, 6, "sysrq: Trigger a crash"),
                record(2, 0, "Kernel panic - not syncing: sysrq triggered crash"),
                record(3, 4, "CPU: 0 UID: 0 PID: 7 Comm: server Not tainted 6.12.0-fake #1")},
               6, 12);
  write_symbols();
}

void FakeSystem::link(uint64_t a, uint64_t b) {
  fake.write64(a, b);
  fake.write64(b + 8, a);
}

uint64_t FakeSystem::put_text(const std::string& text) {
  const uint64_t address = fake.allocate(kPageSize);
  fake.write(address, as_byte_span(text));
  return address;
}

void FakeSystem::make_types(NodePointers node_pointers) {
  BtfBuilder types;
  const TypeId u32 = types.integer("unsigned int", 4), u64 = types.integer("unsigned long", 8);
  const TypeId letter = types.integer("char", 1, BtfBuilder::Encoding::is_signed);
  const TypeId pointer = types.pointer(0), text = types.pointer(letter);
  const TypeId list = types.structure("list_head", 16, {{"next", pointer, 0}, {"prev", pointer, 64}});
  const TypeId thread = types.structure("thread_struct", 8, {{"sp", u64, 0}});
  const TypeId thread_info = types.structure("thread_info", 8, {{"cpu", u32, 0}});
  const TypeId comm = types.array(letter, 16);
  {
    using namespace fake_task;
    const TypeId mm = types.pointer(types.next_id() + 1);
    const TypeId rss = types.array(u64, 4);
    types.structure("mm_rss_stat", 32, {{"count", rss, 0}});
    types.structure("mm_struct", 32, {{"rss_stat", types.next_id() - 1, 0}});
    types.structure("task_struct", kSize,
                    {{"__state", u32, kState * 8},
                     {"flags", u32, kFlags * 8},
                     {"stack", pointer, kStack * 8},
                     {"on_cpu", u32, kOnCpu * 8},
                     {"pid", u32, kPid * 8},
                     {"tgid", u32, kTgid * 8},
                     {"exit_state", u32, kExitState * 8},
                     {"tasks", list, kTasks * 8},
                     {"real_parent", pointer, kParent * 8},
                     {"signal", pointer, kSignal * 8},
                     {"thread_node", list, kThreadNode * 8},
                     {"comm", comm, kComm * 8},
                     {"thread", thread, kSp * 8},
                     {"mm", mm, kMm * 8},
                     {"thread_info", thread_info, kCpu * 8}});
  }
  types.structure("signal_struct", 24, {{"thread_head", list, kThreadHead * 8}});
  types.structure("rq", 16, {{"idle", pointer, kIdle * 8}});
  {
    using namespace fake_module;
    const TypeId piece = types.structure("module_memory", 16, {{"base", pointer, 0}, {"size", u32, 64}});
    const TypeId pieces = types.array(piece, 2), name = types.array(letter, 56);
    types.structure(
        "mod_kallsyms", 32,
        {{"symtab", pointer, 0}, {"num_symtab", u32, 64}, {"strtab", text, 128}, {"typetab", text, 192}});
    types.structure("module", kSize,
                    {{"state", u32, kState * 8},
                     {"list", list, kList * 8},
                     {"name", name, kName * 8},
                     {"taints", u64, kTaints * 8},
                     {"mem", pieces, kMem * 8},
                     {"kallsyms", pointer, kKallsyms * 8}});
  }
  {
    using namespace fake_zone;
    const TypeId marks = types.array(u64, 3), stats = types.array(u64, 2);
    const TypeId zone = types.structure("zone", kSize,
                                        {{"name", text, kName * 8},
                                         {"present_pages", u64, kPresent * 8},
                                         {"managed_pages", u64, kManaged * 8},
                                         {"_watermark", marks, kMarks * 8},
                                         {"vm_stat", stats, kStat * 8}});
    types.structure("pglist_data", 2 * kSize, {{"node_zones", types.array(zone, 2), 0}});
  }
  {
    using namespace fake_cache;
    const TypeId order = types.structure("kmem_cache_order_objects", 4, {{"x", u32, 0}});
    // The one with the counters is where a lone one would be.
    const bool two = node_pointers == NodePointers::two;
    const TypeId pair =
        types.structure("kmem_cache_per_node_ptrs", 16, {{"barn", pointer, 0}, {"node", pointer, 64}});
    const TypeId nodes = types.array(two ? pair : pointer, 2);
    types.structure(
        "kmem_cache", kSize,
        {{"name", text, kName * 8},
         {"list", list, kList * 8},
         {"size", u32, kObjectSize * 8},
         {"oo", order, kOrder * 8},
         {two ? "per_node" : "node", nodes, static_cast<uint32_t>((two ? kNode - 8 : kNode) * 8)}});
    types.structure("kmem_cache_node", 16, {{"nr_slabs", u64, 0}, {"total_objects", u64, 64}});
  }
  types.enumeration("zone_stat_item",
                    {{"NR_FREE_PAGES", 0}, {"NR_PAGETABLE", 1}, {"NR_VM_ZONE_STAT_ITEMS", 2}});
  types.enumeration("node_stat_item", {{"NR_FILE_PAGES", 0},
                                       {"NR_ANON_MAPPED", 1},
                                       {"NR_SLAB_RECLAIMABLE_B", 2},
                                       {"NR_SLAB_UNRECLAIMABLE_B", 3},
                                       {"NR_KERNEL_STACK_KB", 4},
                                       {"NR_VM_NODE_STAT_ITEMS", 5}});
  const auto blob = types.build();
  btf = fake.allocate(blob.size());
  btf_end = btf + blob.size();
  fake.write(btf, blob);
}

// Each function calls the one before it; the last was called by nobody.
void FakeSystem::make_code() {
  std::vector<FakeOrc> entries;
  for (size_t index = 0; index < std::size(kFunctions); ++index) {
    const uint64_t begin = kFakeCode + index * kFunctionBytes;
    symbols[kFunctions[index]] = begin;
    fake.write(begin, std::vector<std::byte>(kFunctionBytes, std::byte{0x90}));
    if (index > 0) {
      const uint64_t back = begin + kFunctionBytes / 2;
      const uint8_t call = 0xe8;
      fake.write(back - 5, object_bytes(call));
      fake.write32(back - 4, static_cast<uint32_t>(begin - kFunctionBytes - back));
    }
    entries.push_back({begin, index + 1 == std::size(kFunctions) ? orc_end() : orc_call(8)});
  }
  orc = write_orc(fake, entries);
  const uint64_t end = kFakeCode + std::size(kFunctions) * kFunctionBytes;
  symbols.insert({{"_sinittext", kFakeCode},
                  {"_einittext", end},
                  {"__start_orc_unwind_ip", orc.ips},
                  {"__start_orc_unwind", orc.entries},
                  {"__stop_orc_unwind", orc.entries + entries.size() * sizeof(x86_64::RawOrcEntry)}});
}

uint64_t FakeSystem::make_task(int32_t pid, int32_t parent, const std::string& comm, uint32_t state) {
  using namespace fake_task;
  const uint64_t task = fake.allocate(kPageSize), stack = fake.allocate(kStackBytes);
  const uint64_t signal = fake.allocate(kPageSize);
  tasks[pid] = task;
  fake.write32(task + kState, state);
  fake.write32(task + kPid, static_cast<uint32_t>(std::max(pid, 0)));
  fake.write32(task + kTgid, static_cast<uint32_t>(std::max(pid, 0)));
  fake.write(task + kComm, as_byte_span(comm));
  fake.write64(task + kStack, stack);
  fake.write64(task + kParent, tasks.at(parent));
  fake.write64(task + kSignal, signal);
  fake.write64(task + kMm, pid > 1 ? fake.allocate(kPageSize) : 0);
  if (pid > 1) fake.write64(fake.open().read<uint64_t>(task + kMm).value(), static_cast<uint64_t>(pid));
  link(signal + kThreadHead, task + kThreadNode);
  link(task + kThreadNode, signal + kThreadHead);
  // It sleeps in schedule(): struct inactive_task_frame, then the return addresses.
  const uint64_t sp = stack + kStackBytes - 256;
  fake.write64(task + kSp, sp);
  fake.write64(sp + 48, kFakeCode + 0x10);
  for (size_t index = 1; index < std::size(kFunctions); ++index)
    fake.write64(sp + 48 + index * 8, kFakeCode + index * kFunctionBytes + kFunctionBytes / 2);
  return task;
}

void FakeSystem::make_tasks() {
  using namespace fake_task;
  uint64_t last = 0;
  const struct {
    int32_t pid, parent;
    const char* comm;
    uint32_t state;
  } all[] = {{0, 0, "swapper/0", 0},
             {1, 0, "init", 1},
             {5, 1, "reader", 2},
             {6, 1, "writer", 2},
             {7, 1, "server", 0}};
  for (const auto& task : all) {
    const uint64_t address = make_task(task.pid, task.parent, task.comm, task.state);
    if (last != 0) link(last + kTasks, address + kTasks);
    last = address;
  }
  link(last + kTasks, tasks.at(0) + kTasks);
  fake.write32(tasks.at(7) + kOnCpu, 1);
  symbols["init_task"] = tasks.at(0);
}

void FakeSystem::make_cpus() {
  using namespace fake_task;
  fake.write32(make_task(-1, 0, "swapper/1", 0) + kCpu, 1);
  fake.write32(tasks.at(-1) + kOnCpu, 1);
  const uint64_t offsets = fake.allocate(kPageSize), mask = fake.allocate(kPageSize),
                 variables = fake.allocate(kPageSize);
  for (uint64_t cpu = 0; cpu < 2; ++cpu) {
    const uint64_t data = fake.allocate(kPageSize);
    fake.write64(offsets + cpu * 8, data - kRunqueues);
    fake.write64(data + kIdle, tasks.at(cpu == 0 ? 0 : -1));
  }
  fake.write64(mask, 3);
  // CPU 0 died in panic(), on the stack of task 7.
  std::array<std::byte, 336> status{};
  const auto put = [&status](size_t offset, uint64_t value) {
    std::memcpy(&status[offset], &value, sizeof value);
  };
  const uint64_t sp = fake.open().read<uint64_t>(tasks.at(7) + kSp).value();
  put(32, 7);
  put(112 + 16 * 8, kFakeCode + 2 * kFunctionBytes + 8);
  put(112 + 17 * 8, 0x10);
  put(112 + 19 * 8, sp + 48 + uint64_t{3} * 8);
  const auto note = elf_note("CORE", NT_PRSTATUS, status);
  const uint64_t first = fake.open().read<uint64_t>(offsets).value();
  fake.write(first + kCrashNotes, note);
  fake.write64(variables, kCrashNotes);
  symbols.insert({{"__per_cpu_offset", offsets},
                  {"__cpu_possible_mask", mask},
                  {"crash_notes", variables},
                  {"crashing_cpu", variables + 8},
                  {"tainted_mask", variables + 16},
                  {"_totalram_pages", variables + 24},
                  {"nr_cpu_ids", variables + 32}});
  fake.write64(variables + 24, 8000);
  fake.write32(variables + 32, 2);
}

void FakeSystem::make_modules() {
  using namespace fake_module;
  module_list = fake.allocate(kPageSize);
  symbols["modules"] = module_list;
  uint64_t last = module_list;
  for (const auto& [name, taints] : {std::pair{"first", 0}, std::pair{"second", 0x1000}}) {
    // Behind the kernel's _end.
    const uint64_t module = fake.allocate(kPageSize), code = kFakeCode + (1 + modules.size()) * 0x100000;
    fake.write(code, std::vector<std::byte>(kPageSize, std::byte{0x90}));
    modules[name] = module;
    fake.write(module + kName, as_byte_span(std::string_view(name)));
    fake.write64(module + kTaints, static_cast<uint64_t>(taints));
    fake.write64(module + kMem, code);
    fake.write32(module + kMem + 8, kPageSize);
    // One symbol.
    const uint64_t tables = fake.allocate(kPageSize);
    fake.write64(module + kKallsyms, tables);
    fake.write64(tables, tables + 64);
    fake.write32(tables + 8, 1);
    fake.write64(tables + 16, tables + 128);
    fake.write64(tables + 24, tables + 192);
    const Elf64_Sym symbol{.st_name = 1,
                           .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                           .st_other = 0,
                           .st_shndx = 1,
                           .st_value = code + 0x40,
                           .st_size = 64};
    fake.write(tables + 64, object_bytes(symbol));
    fake.write(tables + 129, as_byte_span(std::string(name) + "_function"));
    fake.write(tables + 192, as_byte_span(std::string_view("t")));
    link(last, module + kList);
    last = module + kList;
  }
  link(last, module_list);
}

void FakeSystem::make_memory() {
  node_counters = fake.allocate(kPageSize);
  zone_counters = node_counters + 2048;
  for (uint64_t index = 0; index < 5; ++index) fake.write64(node_counters + index * 8, 100 + index);
  fake.write64(zone_counters, 5000);
  fake.write64(zone_counters + 8, 40);
  symbols.insert({{"vm_node_stat", node_counters}, {"vm_zone_stat", zone_counters}});
  zones = fake.allocate(kPageSize);
  {
    using namespace fake_zone;
    fake.write64(zones + kName, put_text("DMA32"));
    fake.write64(zones + kPresent, 8192);
    fake.write64(zones + kManaged, 8000);
    for (uint64_t mark = 0; mark < 3; ++mark) fake.write64(zones + kMarks + mark * 8, 10 * (mark + 1));
    fake.write64(zones + kStat, 5000);
  }
  fake.set_key("SYMBOL(contig_page_data)", fmt::format("{:x}", zones));
  cache_list = fake.allocate(kPageSize);
  symbols["slab_caches"] = cache_list;
  uint64_t last = cache_list;
  for (const auto& [name, slabs] : {std::pair{"dentry", 30}, std::pair{"inode_cache", 50}}) {
    using namespace fake_cache;
    const uint64_t cache = fake.allocate(kPageSize), node = fake.allocate(kPageSize);
    caches[name] = cache;
    fake.write64(cache + kName, put_text(name));
    fake.write32(cache + kObjectSize, 192);
    fake.write32(cache + kOrder, 1u << 16 | 42);
    fake.write64(cache + kNode, node);
    fake.write64(node, static_cast<uint64_t>(slabs));
    fake.write64(node + 8, static_cast<uint64_t>(slabs) * 42);
    link(last, cache + kList);
    last = cache + kList;
  }
  link(last, cache_list);
}

void FakeSystem::write_symbols() {
  auto all = sample_symbols(fake, PerCpuSymbols::at_zero, 300);
  const Symbol end = all.back();
  all.pop_back();
  symbols["__start_BTF"] = btf;
  symbols["__stop_BTF"] = btf_end;
  for (const auto& [name, address] : symbols) all.push_back({name, address, 'D', ""});
  std::ranges::stable_sort(all, {}, &Symbol::address);
  all.push_back({"_end", std::max(end.address, all.back().address + kPageSize), 'B', ""});
  kallsyms = put_kallsyms(fake, all);
}

std::unique_ptr<Dump> FakeSystem::dump(Reader read) {
  return std::make_unique<FakeDump>(fake, std::move(read));
}

}  // namespace lifeboat::test
