// SPDX-License-Identifier: GPL-2.0-or-later
// Names of addresses in the dumped kernel: vmlinux's from its kallsyms tables (kernel/kallsyms.c), modules'
// from their symbol tables. No debug information is needed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/vmcore/kernel_memory.h"

namespace lifeboat {

struct Symbol {
  std::string name;
  uint64_t address = 0;
  char type = '?';     // as nm: 'T' text, 'D' data, 'B' bss, lower case: local
  std::string module;  // empty: the kernel itself
};

struct SymbolAt {
  Symbol symbol;
  uint64_t offset = 0;                          // from the symbol's address
  std::optional<uint64_t> size;                 // up to the next symbol; nullopt: the last one
  [[nodiscard]] std::string to_string() const;  // "schedule+0x2e [ext4]"
};

// Which of several symbols of one address names it best, the least first: a global before a local one, and a
// strong one before a weak one; mapping symbols name nothing. Among equals the first of the table: the
// kernel's build sorts them so (compare_symbols(), scripts/kallsyms.c).
int symbol_rank(char type, std::string_view name);

// vmlinux's table, read in place and decoded on demand.
class Kallsyms {
 public:
  // By the keys of VMCOREINFO (6.0 and later), else found by the shape of the tables in the kernel's
  // read-only data. The form of the addresses and the encoding of the names are those that agree with
  // VMCOREINFO's own symbols. `not_found`: no CONFIG_KALLSYMS, or filtered out. `memory` must outlive this
  // object.
  static Result<Kallsyms> read(const KernelMemory& memory);

  Kallsyms(Kallsyms&&) noexcept;
  Kallsyms& operator=(Kallsyms&&) noexcept;
  ~Kallsyms();

  [[nodiscard]] size_t size() const;
  // What of the tables is missing from the dump or damaged, and why; these symbols are left out of all
  // results.
  [[nodiscard]] const std::vector<std::string>& warnings() const;
  // The symbol at or below the address that names it best (a global before a local, and not a mapping
  // symbol), if the address is in the kernel's own text or data. Where symbols are missing, it returns
  // nothing instead of a wrong symbol.
  [[nodiscard]] std::optional<SymbolAt> at(uint64_t address) const;
  // The first of that name; several may have it (static functions): all().
  [[nodiscard]] std::optional<uint64_t> address_of(std::string_view name) const;
  [[nodiscard]] std::vector<Symbol> all(std::string_view name) const;
  // Many at once, for one walk over the table; in the order asked for.
  [[nodiscard]] std::vector<std::optional<uint64_t>> addresses_of(
      const std::vector<std::string_view>& names) const;
  // In the order of addresses. Stops when `visit` returns false.
  void visit(const std::function<bool(std::string_view name, uint64_t address, char type)>& visit) const;

 private:
  struct State;
  explicit Kallsyms(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lifeboat
