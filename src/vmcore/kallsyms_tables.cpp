// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/kallsyms_tables.h"

#include <algorithm>

namespace lifeboat {

Result<KallsymsPlaces> kallsyms_by_keys(const KernelMemory& memory) {
  const Vmcoreinfo& info = memory.vmcoreinfo();
  KallsymsPlaces places;
  places.names = TRY(info.require_symbol("kallsyms_names"));
  places.token_table = TRY(info.require_symbol("kallsyms_token_table"));
  places.token_index = TRY(info.require_symbol("kallsyms_token_index"));
  const uint64_t count_variable = TRY(info.require_symbol("kallsyms_num_syms"));
  if (const auto table = info.symbol("kallsyms_offsets"))
    places.addresses.push_back({*table, info.symbol("kallsyms_relative_base")});
  // !CONFIG_KALLSYMS_BASE_RELATIVE; gone with 6.15.
  if (const auto table = info.symbol("kallsyms_addresses")) places.addresses.push_back({*table, {}});
  if (places.addresses.empty()) TRY(info.require_symbol("kallsyms_offsets"));

  places.count = TRY_CONTEXT(memory.read<uint32_t>(count_variable), "kallsyms_num_syms");
  if (places.count == 0 || places.count > kMaxSymbols)
    return fail(ErrorCode::corrupt,
                "the kernel's symbol table has a wrong kallsyms_num_syms: {}, allowed are 1 to {}",
                places.count, kMaxSymbols);
  return places;
}

std::vector<MemoryHole> read_around_holes(const KernelMemory& memory, uint64_t address, MutableByteSpan out) {
  std::vector<MemoryHole> holes;
  if (memory.read(address, out)) return holes;
  for (uint64_t at = 0; at < out.size();) {
    const uint64_t rest = memory.page_size().bytes() - memory.page_size().within(address + at);
    const MutableByteSpan part = out.subspan(at, std::min<uint64_t>(rest, out.size() - at));
    if (auto read = memory.read(address + at, part); !read) {
      std::ranges::fill(part, std::byte{0});
      if (!holes.empty() && holes.back().end == at) {
        holes.back().end = at + part.size();
      } else {
        holes.push_back({at, at + part.size(), std::move(read).error()});
      }
    }
    at += part.size();
  }
  return holes;
}

}  // namespace lifeboat
