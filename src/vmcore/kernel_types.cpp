// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/kernel_types.h"

#include <algorithm>
#include <array>
#include <map>

namespace lifeboat {
namespace {

Result<std::vector<std::byte>> read_blob(const KernelMemory& memory, const Kallsyms& symbols) {
  constexpr uint64_t kLargest = 64u << 20;
  const auto ends = symbols.addresses_of({"__start_BTF", "__stop_BTF"});
  if (!ends[0] || !ends[1]) {
    return std::unexpected(
        Error(ErrorCode::not_found, "this kernel has no BTF type information")
            .hint("give the kernel's debug information, or use a kernel built with CONFIG_DEBUG_INFO_BTF"));
  }
  if (*ends[1] <= *ends[0] || *ends[1] - *ends[0] > kLargest) {
    return fail(ErrorCode::corrupt, "invalid addresses of the kernel's BTF: {:#x} to {:#x}", *ends[0],
                *ends[1]);
  }
  std::vector<std::byte> blob(*ends[1] - *ends[0]);
  TRY_VOID(memory.read(*ends[0], blob));
  return blob;
}

}  // namespace

struct KernelTypes::Cache {
  std::map<std::string, Result<Field>, std::less<>> fields;  // by "task_struct.comm"
};

KernelTypes::KernelTypes() : cache_(std::make_unique<Cache>()) {}
KernelTypes::KernelTypes(KernelTypes&&) noexcept = default;
KernelTypes& KernelTypes::operator=(KernelTypes&&) noexcept = default;
KernelTypes::~KernelTypes() = default;

KernelTypes KernelTypes::from(Btf btf, const Architecture* architecture) {
  KernelTypes types;
  types.architecture_ = architecture;
  types.btf_ = std::make_unique<Btf>(std::move(btf));
  return types;
}

Result<KernelTypes> KernelTypes::read(const KernelMemory& memory, const Kallsyms& symbols) {
  auto blob = TRY_CONTEXT(read_blob(memory, symbols), "cannot read the kernel's types");
  return from(TRY_CONTEXT(Btf::parse(std::move(blob)), "cannot read the kernel's types"),
              &memory.architecture());
}

Result<TypeId> KernelTypes::structure(std::string_view name) const {
  for (const auto kind : {TypeKind::structure, TypeKind::union_type, TypeKind::type_definition}) {
    if (const auto id = btf_->find(kind, name)) return *id;
  }
  return fail(ErrorCode::not_found, "this kernel has no struct '{}'", name);
}

Result<Field> KernelTypes::field(std::string_view structure_name, std::string_view path) const {
  std::string key(structure_name);
  key.append(".").append(path);
  if (const auto known = cache_->fields.find(key); known != cache_->fields.end()) return known->second;
  const auto find = [&]() -> Result<Field> {
    const MemberPlace place = TRY(btf_->member(TRY(structure(structure_name)), path));
    Field field{place.offset, 0, place.bit_offset, place.bit_size};
    if (place.bit_size != 0) {
      field.size = divide_up(place.bit_offset + place.bit_size, 8);
    } else if (const TypeInfo info = TRY(btf_->type(TRY(btf_->strip(place.type))));
               info.kind != TypeKind::array || info.count != 0) {
      field.size = TRY(btf_->size_of(place.type));
    }
    return field;
  };
  return cache_->fields.emplace(std::move(key), find()).first->second;
}

Result<Field> KernelTypes::first_field(std::string_view structure,
                                       std::initializer_list<std::string_view> paths) const {
  std::string tried;
  for (const auto path : paths) {
    auto found = field(structure, path);
    if (found || found.error().code != ErrorCode::not_found) return found;
    tried += fmt::format("{}'{}'", tried.empty() ? "" : ", ", path);
  }
  return fail(ErrorCode::not_found, "struct {} has none of the members {} in this kernel", structure, tried);
}

Result<uint64_t> KernelTypes::size_of(std::string_view name) const {
  return btf_->size_of(TRY(structure(name)));
}

Result<uint64_t> KernelTypes::number(const KernelMemory& memory, uint64_t object, const Field& field) {
  // A bit-field of 64 bits that begins within a byte touches nine.
  std::array<std::byte, 16> bytes{};
  const bool is_bit_field = field.bit_size != 0;
  if (field.size == 0 || field.size > (is_bit_field ? 9 : 8))
    return fail(ErrorCode::usage, "a field of {} bytes is not a number", field.size);
  TRY_VOID(memory.read(object + field.offset, MutableByteSpan(bytes).first(field.size)));
  unsigned __int128 value;
  std::memcpy(&value, bytes.data(), sizeof value);
  if (!is_bit_field) return static_cast<uint64_t>(value);
  const uint64_t mask = field.bit_size >= 64 ? ~uint64_t{0} : (uint64_t{1} << field.bit_size) - 1;
  return static_cast<uint64_t>(value >> field.bit_offset) & mask;
}

std::optional<TypeId> KernelTypes::global_type(std::string_view symbol) const {
  if (const auto type = btf_->variable(symbol)) return type;
  auto spelling = known_global_type(symbol);
  if (!spelling && architecture_ != nullptr) {
    const auto own = architecture_->facts().global_types;
    const auto found = std::ranges::find(own, symbol, &ArchitectureFacts::GlobalType::symbol);
    if (found != own.end()) spelling = found->type;
  }
  if (!spelling) return std::nullopt;
  // This kernel does not have the type: the variable is another one of the same name.
  const auto type = btf_->parse_type_name(*spelling);
  if (!type) return std::nullopt;
  return *type;
}

}  // namespace lifeboat
