// SPDX-License-Identifier: GPL-2.0-or-later
// One file with debug information, a vmlinux or a module, read through libdw and libdwfl. The file is not
// trusted: invalid data gives errors and empty results. Not handled: a file that is truncated while it is
// open ends the program (SIGBUS), as with every mapped file.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/inspect/debug_info.h"

namespace lifeboat {

// Not for several threads at once.
class DebugFile {
 public:
  // `elf_machine`: of the dumped machine (EM_*). `unsupported`: not a regular file, not an ELF file of
  // that machine; `truncated`, `corrupt`. The debug information itself is read when it is first needed.
  static Result<DebugFile> open(const std::string& path, uint16_t elf_machine);
  DebugFile(DebugFile&&) noexcept;
  DebugFile& operator=(DebugFile&&) noexcept;
  ~DebugFile();

  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] const std::vector<std::byte>& build_id() const;  // empty: it has none
  // A module or another object file, whose sections have no addresses yet: libdwfl assigns a layout.
  [[nodiscard]] bool relocatable() const;

  // `not_found` when there is no debug information (.debug_info); `corrupt` when it cannot be used. Warnings
  // name what is missing.
  [[nodiscard]] Result<std::vector<std::string>> check_debug_info() const;
  // The place of an instruction, innermost first as in DebugInfo::at(). Empty: the file does not contain it,
  // or check_debug_info() fails.
  [[nodiscard]] std::vector<inspect::SourcePlace> places(uint64_t address) const;

  // The type of the global variable of that name at that address, as C spells it, without qualifiers. Looks
  // through all units: half a second for a kernel. nullopt: not found, or its type has no name.
  [[nodiscard]] std::optional<std::string> variable_type(std::string_view name, uint64_t address) const;

  // The functions of the symbol table, each with the number of the section that it lies in.
  using Visit = std::function<void(std::string_view name, uint64_t address, size_t section)>;
  void visit_functions(const Visit& visit) const;
  struct Section {
    uint64_t start = 0, end = 0;  // end: one past the last byte
  };
  // Empty for a number that the file does not have.
  [[nodiscard]] Section section(size_t number) const;

 private:
  struct State;
  explicit DebugFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "eb4fbcd0..."
std::string format_build_id(ByteSpan build_id);

}  // namespace lifeboat
