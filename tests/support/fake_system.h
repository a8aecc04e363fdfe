// SPDX-License-Identifier: GPL-2.0-or-later
// A made-up kernel with all that the questions of src/inspect need: names, types, tasks on two CPUs, stacks
// with their ORC tables, modules, counters, zones, slab caches, and the registers of a CPU that panicked.
// Whole as it stands; a test spoils one field, a fuzzer many.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "src/inspect/session.h"
#include "tests/support/btf_builder.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/fake_orc.h"
#include "tests/support/kallsyms_builder.h"

namespace lifeboat::test {

// Offsets within this kernel's structures.
namespace fake_task {
inline constexpr uint64_t kState = 0, kFlags = 4, kStack = 8, kOnCpu = 16, kPid = 20, kTgid = 24,
                          kExitState = 28, kTasks = 32, kParent = 48, kSignal = 56, kThreadNode = 64,
                          kComm = 80, kSp = 96, kMm = 104, kCpu = 112, kSize = 128;
}
namespace fake_module {
inline constexpr uint64_t kState = 0, kList = 8, kName = 24, kTaints = 80, kMem = 88, kKallsyms = 120,
                          kSize = 128;
}
namespace fake_zone {
inline constexpr uint64_t kName = 0, kPresent = 8, kManaged = 16, kMarks = 24, kStat = 48, kSize = 64;
}
namespace fake_cache {
inline constexpr uint64_t kName = 0, kList = 8, kObjectSize = 24, kOrder = 28, kNode = 40, kSize = 72;
}

class FakeSystem {
 public:
  // `NodePointers::two`: a slab cache has two pointers for each node, as in 7.x.
  enum class NodePointers { one, two };
  explicit FakeSystem(NodePointers node_pointers = NodePointers::one);

  FakeKernel fake;
  // Addresses. Tasks by pid; the idle task of CPU 1 is -1.
  std::map<int32_t, uint64_t> tasks;
  std::map<std::string, uint64_t> modules, caches;
  uint64_t module_list = 0, cache_list = 0, zones = 0, node_counters = 0, zone_counters = 0;
  uint64_t btf = 0, btf_end = 0;
  KallsymsLayout kallsyms;
  x86_64::OrcPlace orc;

  // After changes of symbols: rebuilds the tables of names.
  std::map<std::string, uint64_t> symbols;
  void write_symbols();
  // a -> b, in a list of struct list_head.
  void link(uint64_t a, uint64_t b);

  // As a dump in memory. This object must outlive it. `read`: instead of the fake memory's.
  using Reader = std::function<Result<>(uint64_t physical_address, MutableByteSpan out)>;
  [[nodiscard]] std::unique_ptr<Dump> dump(Reader read = {});
  [[nodiscard]] inspect::Session session() { return inspect::Session::over(dump()); }

 private:
  void make_types(NodePointers node_pointers);
  void make_code();
  void make_tasks();
  void make_cpus();
  void make_modules();
  void make_memory();
  uint64_t make_task(int32_t pid, int32_t parent, const std::string& comm, uint32_t state);
  uint64_t put_text(const std::string& text);
};

}  // namespace lifeboat::test
