// SPDX-License-Identifier: GPL-2.0-or-later
// The symbols of one module, from the ELF symbol table that the kernel keeps of it (struct mod_kallsyms), and
// of the kernel with all its modules.
#pragma once

#include <map>

#include "src/vmcore/modules.h"
#include "src/vmcore/symbols.h"

namespace lifeboat {

class ModuleSymbols {
 public:
  // `corrupt` for a table of an impossible size; errors of the memory are passed on. Names in pages that
  // cannot be read are left out.
  static Result<ModuleSymbols> read(const KernelMemory& memory, const KernelTypes& types,
                                    const Module& module);

  // The nearest symbol at or below the address in the same piece of the module's memory.
  [[nodiscard]] std::optional<SymbolAt> at(const Module& module, uint64_t address) const;
  // In the order of the table, undefined and unnamed ones left out. Stops when `visit` returns false.
  void visit(const std::function<bool(std::string_view name, uint64_t address, char type)>& visit) const;

 private:
  struct Entry {
    uint64_t address = 0;
    uint32_t name = 0;  // offset into names_
    char type = '?';
  };
  ModuleSymbols() = default;
  [[nodiscard]] std::string_view name_of(const Entry& entry) const;

  std::vector<Entry> entries_;   // in the order of the table
  std::vector<uint32_t> order_;  // of entries_, by address
  std::string names_;
};

// The kernel's symbols and those of its modules, each module's read at its first use. Not for use by several
// threads at once.
class Symbols {
 public:
  // All of them must outlive this object. Without types and modules (no BTF) only the kernel's own symbols.
  Symbols(const KernelMemory& memory, const Kallsyms& kernel, const KernelTypes* types = nullptr,
          const ModuleList* modules = nullptr)
      : memory_(&memory), kernel_(&kernel), types_(types), modules_(modules) {}

  // In a module whose symbols cannot be read, or before its first one: the module with an empty name and the
  // offset from its base.
  [[nodiscard]] std::optional<SymbolAt> at(uint64_t address) const;
  // All of that name, the kernel's first.
  [[nodiscard]] std::vector<Symbol> find(std::string_view name) const;
  // Why the symbols of this module cannot be read; the table when they can.
  [[nodiscard]] const Result<ModuleSymbols>& of(const Module& module) const;
  [[nodiscard]] const Kallsyms& kernel() const { return *kernel_; }

 private:
  const KernelMemory* memory_;
  const Kallsyms* kernel_;
  const KernelTypes* types_;
  const ModuleList* modules_;
  mutable std::map<uint64_t, Result<ModuleSymbols>> read_;  // by the address of struct module
};

}  // namespace lifeboat
