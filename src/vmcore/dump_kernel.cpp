// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/dump_kernel.h"

#include <algorithm>

#include "src/dump/other_machine.h"

namespace lifeboat {
namespace {

Result<const Architecture*> architecture_of(const Dump& dump, std::string_view name) {
  const DumpInfo& info = dump.info();
  const Architecture* found =
      info.machine.empty() ? &default_architecture() : find_architecture(info.machine);
  if (found == nullptr) return std::unexpected(other_machine(info, name));
  const auto sizes = found->facts().page_sizes;
  if (std::ranges::find(sizes, info.page_size) == sizes.end())
    return fail(ErrorCode::unsupported, "{}: pages of {} bytes; kernels of this architecture have {}", name,
                info.page_size.bytes(), page_sizes_text(sizes));
  return found;
}

}  // namespace

Result<> check_machine(const Dump& dump, std::string_view name) {
  TRY(architecture_of(dump, name));
  return {};
}

Result<KernelMemory> kernel_of(Dump& dump) {
  return kernel_of(dump, dump);
}

Result<KernelMemory> kernel_of(const Dump& dump, PhysicalMemory& memory) {
  return KernelMemory::create(memory, *TRY(architecture_of(dump, "the dump")), dump.info().vmcoreinfo);
}

}  // namespace lifeboat
