// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/utsname.h"

#include <array>

namespace lifeboat {
namespace {

constexpr uint64_t kField = 65;

// The offset of the names in struct uts_namespace. Kernels before 5.11 do not export it; but their release is
// known and is in the third field: the first offset where it matches is used. Only a reference count may come
// before `name`.
Result<uint64_t> names_offset(const KernelMemory& memory, uint64_t uts_namespace) {
  constexpr uint64_t kFurthest = 64;
  constexpr uint64_t kAlignment = 4;
  const Vmcoreinfo& info = memory.vmcoreinfo();
  const auto exported = info.require_offset("uts_namespace.name");
  if (exported) return *exported;
  std::array<std::byte, kFurthest + 3 * kField> bytes;
  TRY_VOID(memory.read(uts_namespace, bytes));
  for (uint64_t offset = 0; offset <= kFurthest; offset += kAlignment) {
    const auto release = text_until_nul(ByteSpan(bytes).subspan(offset + 2 * kField, kField));
    if (!release.empty() && release == info.release()) return offset;
  }
  return std::unexpected(exported.error());
}

}  // namespace

Result<Utsname> read_utsname(const KernelMemory& memory) {
  const uint64_t uts_namespace = TRY(memory.vmcoreinfo().require_symbol("init_uts_ns"));
  const uint64_t address = uts_namespace + TRY(names_offset(memory, uts_namespace));
  std::array<std::byte, 6 * kField> bytes;
  TRY_VOID(memory.read(address, bytes));
  const auto field = [&bytes](size_t index) {
    return std::string(text_until_nul(ByteSpan(bytes).subspan(index * kField, kField)));
  };
  return Utsname{field(0), field(1), field(2), field(3), field(4), field(5)};
}

}  // namespace lifeboat
