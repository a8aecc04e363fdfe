// SPDX-License-Identifier: GPL-2.0-or-later
// A BTF blob, asked everything about each of its types. In halves it is also a base and what is split from
// it.
#include "src/vmcore/btf.h"

namespace {

using namespace lifeboat;

void ask(const Btf& btf) {
  constexpr TypeId kMax = 64;
  const TypeId last = btf.last_id();
  for (TypeId id = 0; id <= last && id < kMax; ++id) {
    const auto info = btf.type(id);
    (void)btf.size_of(id);
    const auto members = btf.members(id);
    (void)btf.enumerators(id);
    (void)btf.declaration(id);
    const std::string name = btf.name_of(id);
    for (const char c : name) {
      if (c < ' ' && c != '\n' && c != '\t') __builtin_trap();
    }
    (void)btf.parse_type_name(name);
    (void)btf.nearest_member(id, "next");
    if (info) (void)btf.find(info->kind, info->name);
    if (!members) continue;
    for (size_t index = 0; index < members->size() && index < kMax; ++index)
      (void)btf.member(id, (*members)[index].name);
  }
  (void)btf.type(last + 1);
  (void)btf.type(~TypeId{0});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  if (const auto btf = Btf::parse({bytes, bytes + size})) ask(*btf);
  const auto base = Btf::parse({bytes, bytes + size / 2});
  if (!base) return 0;
  if (const auto split = Btf::parse({bytes + size / 2, bytes + size}, &*base)) ask(*split);
  return 0;
}
