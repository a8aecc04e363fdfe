// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/utsname.h"

#include <array>

namespace lifeboat {

Result<Utsname> read_utsname(const KernelMemory& memory) {
  constexpr size_t kField = 65;
  const Vmcoreinfo& info = memory.vmcoreinfo();
  const uint64_t address =
      TRY(info.require_symbol("init_uts_ns")) + TRY(info.require_offset("uts_namespace.name"));
  std::array<std::byte, 6 * kField> bytes;
  TRY_VOID(memory.read(address, bytes));
  const auto field = [&bytes](size_t index) {
    return std::string(text_until_nul(ByteSpan(bytes).subspan(index * kField, kField)));
  };
  return Utsname{field(0), field(1), field(2), field(3), field(4), field(5)};
}

}  // namespace lifeboat
