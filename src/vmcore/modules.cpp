// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/modules.h"

#include <algorithm>
#include <unordered_set>

namespace lifeboat {
namespace {

// More than any kernel has loaded; only a damaged list is longer.
constexpr size_t kMaxModules = 5000;
constexpr uint64_t kMaxPieces = 32;
// No architecture has a larger area for modules; a piece that is larger is damaged.
constexpr uint64_t kLargestPiece = uint64_t{2} << 30;
constexpr uint64_t kLargestName = 256;  // MODULE_NAME_LEN is 56 on 64 bits
constexpr uint64_t kLargestBuildId = 64;

// Base and size of one piece of memory, as members of struct module.
struct PieceFields {
  Field base, size;
};

struct Layout {
  Field list_next, name, state, taints;
  std::optional<Field> build_id;
  std::vector<PieceFields> pieces;  // the text first
};

// struct module.mem[] since 6.4 (commit ac3b43283923 "module: replace module_layout with module_memory"), one
// layout for what stays and one for what is freed after the start before.
Result<std::vector<PieceFields>> find_pieces(const KernelTypes& types) {
  std::vector<PieceFields> pieces;
  const auto array = types.field("module", "mem");
  if (!array) {
    for (const std::string layout : {"core_layout", "init_layout"}) {
      pieces.push_back(
          {TRY(types.field("module", layout + ".base")), TRY(types.field("module", layout + ".size"))});
    }
    return pieces;
  }
  const uint64_t size = TRY(types.size_of("module_memory"));
  const uint64_t count = size == 0 ? 0 : array->size / size;
  if (count == 0 || count > kMaxPieces)
    return fail(ErrorCode::corrupt,
                "struct module has a wrong number of pieces of memory: {}, allowed are 1 to {}", count,
                kMaxPieces);
  const Field base = TRY(types.field("module_memory", "base"));
  const Field length = TRY(types.field("module_memory", "size"));
  for (uint64_t index = 0; index < count; ++index) {
    PieceFields piece{base, length};
    piece.base.offset += array->offset + index * size;
    piece.size.offset += array->offset + index * size;
    pieces.push_back(piece);
  }
  return pieces;
}

Result<Layout> find_layout(const KernelTypes& types) {
  Layout layout;
  layout.list_next = TRY(types.field("module", "list.next"));
  layout.name = TRY(types.field("module", "name"));
  layout.state = TRY(types.field("module", "state"));
  layout.taints = TRY(types.field("module", "taints"));
  if (const auto build_id = types.field("module", "build_id")) layout.build_id = *build_id;
  layout.pieces = TRY(find_pieces(types));
  if (layout.name.size > kLargestName)
    return fail(ErrorCode::corrupt, "the name in struct module is too large: {} bytes, at most {}",
                layout.name.size, kLargestName);
  if (layout.build_id && layout.build_id->size > kLargestBuildId)
    return fail(ErrorCode::corrupt, "the build id in struct module is too large: {} bytes, at most {}",
                layout.build_id->size, kLargestBuildId);
  return layout;
}

Result<Module> read_module(const KernelMemory& memory, const Layout& layout, uint64_t address) {
  Module module;
  module.address = address;
  module.name = TRY(memory.read_string(address + layout.name.offset, layout.name.size));
  const uint64_t state = TRY(KernelTypes::number(memory, address, layout.state));
  if (state < static_cast<uint64_t>(ModuleState::unknown)) module.state = static_cast<ModuleState>(state);
  module.taints = TRY(KernelTypes::number(memory, address, layout.taints));
  if (layout.build_id) {
    module.build_id.resize(layout.build_id->size);
    TRY_VOID(memory.read(address + layout.build_id->offset, module.build_id));
    // All zero: the module was built without one.
    if (std::ranges::all_of(module.build_id, [](std::byte byte) { return byte == std::byte{0}; }))
      module.build_id.clear();
  }
  for (const auto& piece : layout.pieces) {
    const uint64_t base = TRY(KernelTypes::number(memory, address, piece.base));
    const uint64_t size = TRY(KernelTypes::number(memory, address, piece.size));
    if (&piece == &layout.pieces.front()) {
      module.base = base;
      module.text_size = size;
    }
    if (base == 0 || size == 0) continue;
    if (size > kLargestPiece || base > ~uint64_t{0} - size)
      return fail(ErrorCode::corrupt, "module '{}' has an impossible piece of memory: {} bytes at {:#x}",
                  module.name, size, base);
    module.size += size;
    module.pieces.push_back({base, base + size});
  }
  return module;
}

}  // namespace

std::string_view module_state_name(ModuleState state) {
  switch (state) {
    case ModuleState::live:
      return "live";
    case ModuleState::coming:
      return "coming";
    case ModuleState::going:
      return "going";
    case ModuleState::unformed:
      return "unformed";
    case ModuleState::unknown:
      break;
  }
  return "unknown";
}

const Module::Piece* Module::piece_at(uint64_t address_in_it) const {
  for (const auto& piece : pieces) {
    if (address_in_it >= piece.start && address_in_it < piece.end) return &piece;
  }
  return nullptr;
}

Result<ModuleList> ModuleList::read(const KernelMemory& memory, const Kallsyms& symbols,
                                    const KernelTypes& types) {
  const auto head = symbols.address_of("modules");
  if (!head) {
    return std::unexpected(
        Error(ErrorCode::not_found,
              "the list of modules cannot be found: the kernel's symbols do not list 'modules'")
            .hint("use a kernel built with CONFIG_MODULES and CONFIG_KALLSYMS_ALL"));
  }
  const Layout layout = TRY_CONTEXT(find_layout(types), "cannot read the list of modules");
  ModuleList list;
  uint64_t entry = TRY_CONTEXT(memory.read<uint64_t>(*head), "cannot read the list of modules");
  std::unordered_set<uint64_t> seen;
  while (entry != *head) {
    if (!seen.insert(entry).second || seen.size() > kMaxModules) {
      list.damage = fmt::format(
          "the list of modules is damaged: after {} modules it does not end, but continues at {:#x}",
          list.modules.size(), entry);
      break;
    }
    auto module = read_module(memory, layout, entry - layout.list_next.offset);
    if (module) {
      list.modules.push_back(*std::move(module));
    } else if (list.damage.empty()) {
      list.damage = fmt::format("a module cannot be read: {}", module.error().message);
    }
    const auto next = memory.read<uint64_t>(entry);
    if (!next) {
      list.damage = fmt::format("the list of modules ends early after {} modules: {}", list.modules.size(),
                                next.error().message);
      break;
    }
    entry = *next;
  }
  return list;
}

const Module* ModuleList::find(std::string_view name) const {
  const auto found = std::ranges::find(modules, name, &Module::name);
  return found == modules.end() ? nullptr : &*found;
}

const Module* ModuleList::at(uint64_t address) const {
  for (const auto& module : modules) {
    if (module.piece_at(address) != nullptr) return &module;
  }
  return nullptr;
}

}  // namespace lifeboat
