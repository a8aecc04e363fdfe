// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/module_symbols.h"

#include <elf.h>

#include <algorithm>
#include <cctype>
#include <numeric>

#include "src/vmcore/kallsyms_tables.h"

namespace lifeboat {
namespace {

// Real modules have up to some 20,000.
constexpr uint64_t kMaxModuleSymbols = uint64_t{1} << 18;
constexpr uint64_t kMaxNameBytes = uint64_t{16} << 20;
constexpr uint64_t kMaxLetters = 512;  // KSYM_NAME_LEN

// struct mod_kallsyms, include/linux/module.h.
struct Table {
  uint64_t symbols = 0, names = 0, types = 0;  // addresses
  uint64_t count = 0;
};

Result<Table> find_table(const KernelMemory& memory, const KernelTypes& types, const Module& module) {
  // Points to core_kallsyms when the module has started, and to the whole table before.
  const uint64_t address =
      TRY(KernelTypes::number(memory, module.address, TRY(types.field("module", "kallsyms"))));
  const auto number = [&](const char* member) -> Result<uint64_t> {
    return KernelTypes::number(memory, address, TRY(types.field("mod_kallsyms", member)));
  };
  Table table;
  table.symbols = TRY(number("symtab"));
  table.count = TRY(number("num_symtab"));
  table.names = TRY(number("strtab"));
  table.types = TRY(number("typetab"));
  if (table.count > kMaxModuleSymbols)
    return fail(ErrorCode::corrupt, "the module's symbol table is too large: {} symbols, at most {}",
                table.count, kMaxModuleSymbols);
  return table;
}

// The names up to the end of the last one, as far as they can be read.
std::string read_names(const KernelMemory& memory, uint64_t address, uint64_t last) {
  std::string names(last, '\0');
  // What cannot be read is zero: those names are empty.
  (void)read_around_holes(memory, address, std::as_writable_bytes(std::span(names)));
  if (const auto tail = memory.read_string(address + last, kMaxLetters)) names += *tail;
  names += '\0';
  return names;
}

}  // namespace

Result<ModuleSymbols> ModuleSymbols::read(const KernelMemory& memory, const KernelTypes& types,
                                          const Module& module) {
  const Table table = TRY_CONTEXT(find_table(memory, types, module), "symbols of module {}", module.name);
  std::vector<Elf64_Sym> symbols(table.count);
  std::string letters(table.count, '?');
  TRY_VOID(memory.read(table.symbols, std::as_writable_bytes(std::span(symbols))));
  TRY_VOID(memory.read(table.types, std::as_writable_bytes(std::span(letters))));
  ModuleSymbols read;
  uint32_t last = 0;
  for (size_t index = 0; index < symbols.size(); ++index) {
    const auto& symbol = symbols[index];
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_name > kMaxNameBytes) continue;
    last = std::max(last, symbol.st_name);
    // The kernel keeps small letters only (elf_type()); /proc/kallsyms shows exported symbols by capitals.
    const bool global = ELF64_ST_BIND(symbol.st_info) == STB_GLOBAL;
    const auto letter = static_cast<unsigned char>(letters[index]);
    read.entries_.push_back(
        {symbol.st_value, symbol.st_name, static_cast<char>(global ? std::toupper(letter) : letter)});
  }
  read.names_ = read_names(memory, table.names, last);
  std::erase_if(read.entries_, [&read](const Entry& entry) { return read.name_of(entry).empty(); });
  read.order_.resize(read.entries_.size());
  std::iota(read.order_.begin(), read.order_.end(), 0);
  std::ranges::stable_sort(read.order_, {}, [&read](uint32_t index) { return read.entries_[index].address; });
  return read;
}

std::string_view ModuleSymbols::name_of(const Entry& entry) const {
  const auto rest = std::string_view(names_).substr(entry.name);
  return rest.substr(0, rest.find('\0'));
}

std::optional<SymbolAt> ModuleSymbols::at(const Module& module, uint64_t address) const {
  const auto* piece = module.piece_at(address);
  if (piece == nullptr) return std::nullopt;
  const auto address_of = [this](uint32_t index) { return entries_[index].address; };
  const auto above = std::ranges::upper_bound(order_, address, {}, address_of);
  if (above == order_.begin() || address_of(*std::prev(above)) < piece->start) return std::nullopt;
  const uint64_t start = address_of(*std::prev(above));
  // Of several of one address, the one that names it best.
  const Entry* best = nullptr;
  for (auto same = above; same != order_.begin() && address_of(*std::prev(same)) == start; --same) {
    const Entry& entry = entries_[*std::prev(same)];
    if (best == nullptr || symbol_rank(entry.type, name_of(entry)) <= symbol_rank(best->type, name_of(*best)))
      best = &entry;
  }
  const uint64_t end = above == order_.end() ? piece->end : std::min(piece->end, address_of(*above));
  return SymbolAt{
      {std::string(name_of(*best)), start, best->type, module.name}, address - start, end - start};
}

void ModuleSymbols::visit(const std::function<bool(std::string_view, uint64_t, char)>& visit) const {
  for (const auto& entry : entries_) {
    if (!visit(name_of(entry), entry.address, entry.type)) return;
  }
}

const Result<ModuleSymbols>& Symbols::of(const Module& module) const {
  const auto found = read_.find(module.address);
  if (found != read_.end()) return found->second;
  auto symbols = types_ != nullptr ? ModuleSymbols::read(*memory_, *types_, module)
                                   : fail(ErrorCode::not_found, "module symbols need the kernel's types");
  return read_.emplace(module.address, std::move(symbols)).first->second;
}

std::optional<SymbolAt> Symbols::at(uint64_t address) const {
  if (auto found = kernel_->at(address)) return found;
  const Module* module = modules_ != nullptr ? modules_->at(address) : nullptr;
  if (module == nullptr) return std::nullopt;
  if (const auto& symbols = of(*module)) {
    if (auto found = symbols->at(*module, address)) return found;
  }
  return SymbolAt{{"", module->base, '?', module->name}, address - module->base, {}};
}

std::vector<Symbol> Symbols::find(std::string_view name) const {
  std::vector<Symbol> found;
  for (const auto& symbol : kernel_->all(name)) found.push_back(symbol);
  if (modules_ == nullptr) return found;
  for (const auto& module : modules_->modules) {
    const auto& symbols = of(module);
    if (!symbols) continue;
    symbols->visit([&](std::string_view candidate, uint64_t address, char type) {
      if (candidate == name) found.push_back({std::string(name), address, type, module.name});
      return true;
    });
  }
  return found;
}

}  // namespace lifeboat
