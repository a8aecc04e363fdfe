// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <map>

#include "src/vmcore/kallsyms_addresses.h"
#include "src/vmcore/kallsyms_names.h"
#include "src/vmcore/symbols.h"

namespace lifeboat {
namespace {

// Symbols whose address is in VMCOREINFO (kernel/vmcore_info.c; mem_section is not among them: VMCOREINFO has
// the value of that pointer). The data symbols are in kallsyms with CONFIG_KALLSYMS_ALL only.
constexpr std::array<std::string_view, 9> kCheckNames = {
    "_stext",         "init_uts_ns",      "swapper_pg_dir",  "prb",      "node_data",
    "vmap_area_list", "printk_rb_static", "node_online_map", "clear_seq"};
// The bounds of the kernel's image.
constexpr std::array<std::string_view, 2> kImageNames = {"_text", "_end"};

// Symbols that end a section: addresses behind them do not belong to them.
constexpr std::array<std::string_view, 3> kEndMarks = {"_etext", "_einittext", "_end"};

// Symbols that this program itself needs, for every architecture. A look-up is a walk over all names: one
// walk finds these, those above and those of the architecture.
constexpr auto kWellKnown = std::to_array<std::string_view>({
    "__start_BTF",         "__stop_BTF",       "init_task",     "runqueues",    "modules",
    "slab_caches",         "tainted_mask",     "crashing_cpu",  "panic_cpu",    "crash_notes",
    "__cpu_possible_mask", "__per_cpu_offset", "nr_cpu_ids",    "_stext",       "_etext",
    "_sinittext",          "_einittext",       "vm_node_stat",  "vm_zone_stat", "_totalram_pages",
    "total_swap_pages",    "nr_swap_pages",    "_text",         "_end",         "__init_begin",
    "__init_end",          "__per_cpu_start",  "__per_cpu_end", "node_data",
});

// A reading of the names: those of VMCOREINFO's symbols that were found, the way of reading the addresses
// that agrees with most of them, and with how many.
struct Judgement {
  AddressReading reading;
  size_t agreeing = 0, compared = 0;
  std::optional<size_t> text, end;  // indexes of kImageNames
  std::map<std::string_view, std::optional<size_t>> well_known;
  std::optional<Error> unreadable;
};

Judgement judge(const KernelMemory& memory, const KallsymsNames& names,
                const std::vector<AddressReading>& readings) {
  std::vector<std::string_view> wanted(kImageNames.begin(), kImageNames.end());
  std::vector<uint64_t> known;
  const auto symbols = memory.architecture().facts().symbols;
  const auto check = [&](std::string_view name) {
    const auto address = memory.vmcoreinfo().symbol(name);
    if (!address) return;
    wanted.push_back(name);
    known.push_back(*address);
  };
  std::ranges::for_each(kCheckNames, check);
  std::ranges::for_each(symbols, check);
  const size_t first_well_known = wanted.size();
  wanted.insert(wanted.end(), kWellKnown.begin(), kWellKnown.end());
  wanted.insert(wanted.end(), symbols.begin(), symbols.end());
  const auto found = names.find(wanted);
  Judgement best;
  for (size_t at = first_well_known; at < wanted.size(); ++at) best.well_known.emplace(wanted[at], found[at]);
  best.text = found[0];
  best.end = found[1];
  for (const auto& reading : readings) {
    size_t agreeing = 0, compared = 0;
    for (size_t at = 0; at < known.size(); ++at) {
      const auto index = found[kImageNames.size() + at];
      if (!index) continue;
      auto address = read_symbol_address(memory, reading, *index);
      if (address) {
        ++compared;
        agreeing += *address == known[at] ? 1 : 0;
      } else if (!best.unreadable) {
        best.unreadable = std::move(address).error();
      }
    }
    if (agreeing > best.agreeing) {
      best.agreeing = agreeing;
      best.compared = compared;
      best.reading = reading;
    }
  }
  return best;
}

}  // namespace

int symbol_rank(char type, std::string_view name) {
  if (name.starts_with('$') || name.starts_with(".L")) return 3;
  if (type == 'W' || type == 'w' || type == 'V' || type == 'v') return 2;
  return type >= 'A' && type <= 'Z' ? 0 : 1;
}

std::string SymbolAt::to_string() const {
  std::string text = symbol.name;
  if (offset != 0) text += fmt::format("+{:#x}", offset);
  if (!symbol.module.empty()) text += fmt::format(" [{}]", symbol.module);
  return text;
}

struct Kallsyms::State {
  KallsymsNames names;
  KallsymsAddresses addresses;
  uint64_t image_start = 0, image_end = 0;  // [start, end)
  std::vector<std::string> warnings;
  std::map<std::string_view, std::optional<size_t>> well_known;  // their indexes

  // One past the last symbol whose address is not above `address`.
  [[nodiscard]] size_t upper_bound(uint64_t address) const;
  [[nodiscard]] std::optional<uint64_t> address_of(std::optional<size_t> index) const {
    return index && !addresses.lost(*index) ? std::optional(addresses[*index]) : std::nullopt;
  }
  void warn();
};

size_t Kallsyms::State::upper_bound(uint64_t address) const {
  size_t low = 0, high = addresses.size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (addresses[middle] <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void Kallsyms::State::warn() {
  const auto add_warning = [this](const std::vector<MemoryHole>& holes, std::string_view what) {
    if (!holes.empty()) warnings.push_back(fmt::format("{}: {}", what, holes.front().why.to_string()));
  };
  add_warning(names.holes(), "some names of kernel symbols are missing");
  if (names.holes().empty() && names.index().lost_groups() > 0)
    warnings.push_back(fmt::format("{} of {} groups of names of kernel symbols are damaged",
                                   names.index().lost_groups(), names.index().groups.size()));
  add_warning(addresses.holes(), "some addresses of kernel symbols are missing");
}

Kallsyms::Kallsyms(std::unique_ptr<State> state) : state_(std::move(state)) {}
Kallsyms::Kallsyms(Kallsyms&&) noexcept = default;
Kallsyms& Kallsyms::operator=(Kallsyms&&) noexcept = default;
Kallsyms::~Kallsyms() = default;

Result<Kallsyms> Kallsyms::read(const KernelMemory& memory) {
  const bool named = memory.vmcoreinfo().symbol("kallsyms_names").has_value();
  const auto places = TRY_CONTEXT(named ? kallsyms_by_keys(memory) : kallsyms_by_shape(memory),
                                  "cannot find the kernel's symbols");
  auto names = TRY_CONTEXT(KallsymsNames::read(memory, places), "cannot read the kernel's symbols");
  const auto readings = address_readings(places);
  Judgement judgement = judge(memory, names, readings);
  if (names.ambiguous()) {
    auto first = names.index();
    names.set_index(
        names.read_as(first.encoding == NameLength::uleb128 ? NameLength::one_byte : NameLength::uleb128));
    Judgement other = judge(memory, names, readings);
    const auto merit = [](const Judgement& of, const KallsymsNames::Index& index) {
      return std::pair(of.agreeing, -static_cast<int64_t>(index.lost_groups()));
    };
    if (merit(other, names.index()) > merit(judgement, first)) {
      judgement = std::move(other);
    } else {
      names.set_index(std::move(first));
    }
  }
  // A table read with an offset of one entry may match in some places.
  if (judgement.agreeing * 2 <= judgement.compared || judgement.compared == 0) {
    if (judgement.compared == 0 && judgement.unreadable)
      return std::unexpected(
          std::move(*judgement.unreadable).context("cannot read the addresses of the kernel's symbols"));
    return std::unexpected(
        Error(
            ErrorCode::corrupt,
            fmt::format("cannot decode the kernel's symbols: no decoding of the {} names at {:#x} and their "
                        "addresses matches the symbols in VMCOREINFO (_stext and others)",
                        places.count, places.names))
            .hint("check the dump: lifeboat verify DUMP"));
  }
  auto addresses = TRY_CONTEXT(KallsymsAddresses::read(memory, judgement.reading, places.count),
                               "cannot read the kernel's symbols");
  auto state = std::make_unique<State>(State{std::move(names), std::move(addresses), 0, 0, {}, {}});
  state->well_known = std::move(judgement.well_known);
  state->image_start =
      state->address_of(judgement.text).value_or(memory.vmcoreinfo().symbol("_stext").value_or(0));
  // Without CONFIG_KALLSYMS_ALL there is no _end, and the last symbol is somewhere in the text of the last
  // section.
  state->image_end =
      state->address_of(judgement.end)
          .value_or(align_up(state->addresses[places.count - 1] + 1, memory.page_size().bytes()));
  state->warn();
  return Kallsyms(std::move(state));
}

size_t Kallsyms::size() const {
  return state_->addresses.size();
}
const std::vector<std::string>& Kallsyms::warnings() const {
  return state_->warnings;
}

std::optional<SymbolAt> Kallsyms::at(uint64_t address) const {
  const State& state = *state_;
  if (address < state.image_start || address >= state.image_end) return std::nullopt;
  const size_t end = state.upper_bound(address);
  if (end == 0) return std::nullopt;
  const uint64_t start_address = state.addresses[end - 1];
  size_t begin = end - 1;
  // A lost symbol may be the nearer one; and a damaged table, not in order, must not name something below the
  // image.
  bool lost = state.addresses.lost(begin) || start_address < state.image_start;
  while (!lost && begin > 0 && state.addresses[begin - 1] == start_address)
    lost = state.addresses.lost(--begin);
  if (lost) return std::nullopt;

  SymbolAt found{.symbol = {.address = start_address}, .offset = address - start_address, .size = {}};
  if (end < size() && state.addresses[end] > start_address) found.size = state.addresses[end] - start_address;
  int best = 4;
  bool only_end_marks = true;
  std::string name;
  state.names.walk(begin, [&](size_t index, ByteSpan tokens) {
    if (index >= end) return false;
    state.names.expand(tokens, name);
    if (name.size() < 2) return true;
    const std::string_view letters = std::string_view(name).substr(1);
    only_end_marks = only_end_marks && std::ranges::find(kEndMarks, letters) != kEndMarks.end();
    if (const int rank = symbol_rank(name.front(), letters); rank < best) {
      best = rank;
      found.symbol.name = letters;
      found.symbol.type = name.front();
    }
    return true;
  });
  if (best == 4 || (only_end_marks && found.offset > 0)) return std::nullopt;
  return found;
}

std::optional<uint64_t> Kallsyms::address_of(std::string_view name) const {
  return addresses_of({name}).front();
}

std::vector<std::optional<uint64_t>> Kallsyms::addresses_of(
    const std::vector<std::string_view>& names) const {
  std::vector<std::optional<size_t>> indexes;
  if (std::ranges::all_of(names,
                          [this](std::string_view name) { return state_->well_known.contains(name); })) {
    for (const auto name : names) indexes.push_back(state_->well_known.at(name));
  } else {
    indexes = state_->names.find(names);
  }
  std::vector<std::optional<uint64_t>> addresses;
  for (const auto index : indexes) addresses.push_back(state_->address_of(index));
  return addresses;
}

std::vector<Symbol> Kallsyms::all(std::string_view name) const {
  std::vector<Symbol> symbols;
  for (const size_t index : state_->names.find_all(name)) {
    if (state_->addresses.lost(index)) continue;
    symbols.push_back({std::string(name), state_->addresses[index], state_->names.type(index), ""});
  }
  return symbols;
}

void Kallsyms::visit(const std::function<bool(std::string_view, uint64_t, char)>& visit) const {
  std::string name;
  state_->names.walk(0, [&](size_t index, ByteSpan tokens) {
    if (state_->addresses.lost(index)) return true;
    state_->names.expand(tokens, name);
    return name.empty() || visit(std::string_view(name).substr(1), state_->addresses[index], name.front());
  });
}

}  // namespace lifeboat
