// SPDX-License-Identifier: GPL-2.0-or-later
// What a dump lacks and debug information has: where in the sources code comes from, and the types of global
// variables. It is optional: the caller passes it to the session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::inspect {

struct SourcePlace {
  std::string function;  // empty: not known
  std::string file;      // below the root of the kernel's sources, if it lies there; empty: not known
  uint32_t line = 0;     // 0: not known
  friend bool operator==(const SourcePlace&, const SourcePlace&) = default;
};

class DebugInfo {
 public:
  virtual ~DebugInfo() = default;
  // Of an instruction, addressed as in the dumped kernel's memory. Innermost first: the functions that are
  // inlined there, last the one whose code it is, each with the place in it. Empty: unknown. The result stays
  // valid as long as this object.
  virtual const std::vector<SourcePlace>& at(uint64_t address) = 0;
  // The type of the kernel's variable of that name at that address, as C spells it ("struct list_head [4]"),
  // without qualifiers. nullopt: not known, or none that has a name.
  virtual std::optional<std::string> variable_type(std::string_view name, uint64_t address) = 0;
  // Why information is missing that should be there; grows with each query.
  [[nodiscard]] virtual const std::vector<std::string>& notes() const = 0;
};

}  // namespace lifeboat::inspect
