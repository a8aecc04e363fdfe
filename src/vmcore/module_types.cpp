// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/module_types.h"

#include <algorithm>

namespace lifeboat {
namespace {

constexpr unsigned kMaxModules = 5000;
constexpr uint64_t kLargestBlob = 64u << 20;
constexpr uint64_t kLongestName = 256;

// The members of struct btf_module and struct btf that are read.
struct Layout {
  Field list, next, btf, data, data_size, name;
};

Result<Layout> find_layout(const KernelTypes& types) {
  return Layout{TRY(types.field("btf_module", "list")), TRY(types.field("btf_module", "list.next")),
                TRY(types.field("btf_module", "btf")),  TRY(types.field("btf", "data")),
                TRY(types.field("btf", "data_size")),   TRY(types.field("btf", "name"))};
}

Result<std::vector<std::byte>> read_blob(const KernelMemory& memory, const Layout& layout, uint64_t btf) {
  const uint64_t data = TRY(KernelTypes::number(memory, btf, layout.data));
  const uint64_t size = TRY(KernelTypes::number(memory, btf, layout.data_size));
  if (size > kLargestBlob) return fail(ErrorCode::corrupt, "invalid size: {} bytes", size);
  std::vector<std::byte> blob(size);
  TRY_VOID(memory.read(data, blob));
  return blob;
}

}  // namespace

Result<Btf> read_module_btf(const KernelMemory& memory, const KernelTypes& types, uint64_t list,
                            std::string_view module) {
  const Layout layout = TRY_CONTEXT(find_layout(types), "cannot read the types of modules");
  const auto next_of = [&](uint64_t entry) {
    return KernelTypes::number(memory, entry - layout.list.offset, layout.next);
  };
  uint64_t entry = TRY_CONTEXT(next_of(list), "the list of modules' types");
  for (unsigned count = 0; entry != list; ++count) {
    // A list with a loop that does not contain its head ends here.
    if (count == kMaxModules) return fail(ErrorCode::corrupt, "the list of modules' types does not end");
    const uint64_t btf = TRY_CONTEXT(KernelTypes::number(memory, entry - layout.list.offset, layout.btf),
                                     "the list of modules' types");
    const auto name = memory.read_string(btf + layout.name.offset, std::min(layout.name.size, kLongestName));
    // An entry with an unreadable name does not hide the others.
    if (name && *name == module) {
      auto blob = TRY_CONTEXT(read_blob(memory, layout, btf), "BTF of module {}", module);
      return TRY_CONTEXT(Btf::parse(std::move(blob), &types.btf()), "BTF of module {}", module);
    }
    entry = TRY_CONTEXT(next_of(entry), "the list of modules' types");
  }
  return std::unexpected(
      Error(ErrorCode::not_found, fmt::format("no module '{}' has types of its own", module))
          .hint("build the module with CONFIG_DEBUG_INFO_BTF_MODULES"));
}

}  // namespace lifeboat
