// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/dump_kernel.h"

#include "src/dump/other_machine.h"

namespace lifeboat {

Result<> check_machine(const Dump& dump, std::string_view name) {
  const DumpInfo& info = dump.info();
  if (!info.machine.empty() && info.machine != "x86_64") return std::unexpected(other_machine(info, name));
  if (info.page_size.bytes() != kPageSize)
    return fail(ErrorCode::unsupported, "{}: pages of {} bytes; kernels of this architecture have {}", name,
                info.page_size.bytes(), kPageSize);
  return {};
}

Result<KernelMemory> kernel_of(Dump& dump) {
  TRY_VOID(check_machine(dump, "the dump"));
  return KernelMemory::create(dump, dump.info().vmcoreinfo);
}

}  // namespace lifeboat
