// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/dump_kernel.h"

namespace lifeboat {
namespace {

Result<const Architecture*> architecture_of(const Dump& dump, std::string_view name) {
  const std::string& machine = dump.info().uts.machine;
  const Architecture* found = machine.empty() ? &default_architecture() : find_architecture(machine);
  if (found == nullptr)
    return fail(ErrorCode::unsupported, "{} is of another architecture ({})", name, machine);
  return found;
}

}  // namespace

Result<> check_machine(const Dump& dump, std::string_view name) {
  TRY(architecture_of(dump, name));
  return {};
}

Result<KernelMemory> kernel_of(Dump& dump) {
  return KernelMemory::create(dump, *TRY(architecture_of(dump, "the dump")), dump.info().vmcoreinfo);
}

}  // namespace lifeboat
