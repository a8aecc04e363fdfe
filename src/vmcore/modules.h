// SPDX-License-Identifier: GPL-2.0-or-later
// The loaded modules of a dumped kernel: its list `modules`, read with the help of its BTF.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/vmcore/kernel_types.h"

namespace lifeboat {

// enum module_state, include/linux/module.h.
enum class ModuleState : uint8_t { live = 0, coming = 1, going = 2, unformed = 3, unknown };
std::string_view module_state_name(ModuleState state);

struct Module {
  uint64_t address = 0;  // of its struct module
  std::string name;
  uint64_t base = 0;       // where its text begins, as in /proc/modules
  uint64_t text_size = 0;  // of what begins at `base`; before 6.4 its data lie there too
  uint64_t size = 0;       // of all its memory, as in /proc/modules
  ModuleState state = ModuleState::unknown;
  uint64_t taints = 0;              // bits as in the kernel's tainted_mask
  std::vector<std::byte> build_id;  // empty: the kernel does not keep it (before 5.14)
  // All of its memory, [start, end): text, data, read-only data; one piece before 6.4.
  struct Piece {
    uint64_t start = 0, end = 0;
  };
  std::vector<Piece> pieces;
  // Its memory that holds the address, or nullptr.
  [[nodiscard]] const Piece* piece_at(uint64_t address_in_it) const;
};

struct ModuleList {
  std::vector<Module> modules;  // in the kernel's order: the newest first
  std::string damage;           // why the list ends early, or some are left out; empty: it is whole

  // `not_found`: no CONFIG_MODULES, or no symbol `modules` (CONFIG_KALLSYMS_ALL). A damaged list yields what
  // can be read.
  static Result<ModuleList> read(const KernelMemory& memory, const Kallsyms& symbols,
                                 const KernelTypes& types);
  [[nodiscard]] const Module* find(std::string_view name) const;
  [[nodiscard]] const Module* at(uint64_t address) const;
};

}  // namespace lifeboat
