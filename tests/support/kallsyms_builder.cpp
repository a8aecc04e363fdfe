// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/kallsyms_builder.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using Bytes = std::vector<std::byte>;

template <typename T>
void append_value(Bytes& bytes, T value) {
  const auto part = object_bytes(value);
  bytes.insert(bytes.end(), part.begin(), part.end());
}

// Letters stand for themselves, and values that are no letter for strings that are frequent; most of these
// are not used.
class Tokens {
 public:
  Tokens() {
    for (size_t letter = '!'; letter < 0x7f; ++letter) tokens_[letter] = static_cast<char>(letter);
    size_t next = 0x80;
    for (const auto* text :
         {"Tfunction_", "tfunction_", "_stext", "Ddata_", "init_", "_of_the_kernel", "00", "99"})
      tokens_[next++] = text;
  }

  [[nodiscard]] Bytes pack(std::string_view text) const {
    Bytes packed;
    while (!text.empty()) {
      size_t best = static_cast<uint8_t>(text.front());
      assert(!tokens_[best].empty());
      for (size_t token = 0x80; token < tokens_.size(); ++token) {
        if (text.starts_with(tokens_[token]) && tokens_[token].size() > tokens_[best].size()) best = token;
      }
      packed.push_back(static_cast<std::byte>(best));
      text.remove_prefix(tokens_[best].size());
    }
    return packed;
  }

  void write(Bytes& table, Bytes& index) const {
    for (const auto& token : tokens_) {
      append_value(index, static_cast<uint16_t>(table.size()));
      for (const char letter : token) append_value(table, letter);
      append_value(table, '\0');
    }
  }

 private:
  std::array<std::string, 256> tokens_;
};

void append_length(Bytes& bytes, size_t length, NameLength encoding) {
  if (encoding == NameLength::uleb128 && length >= 0x80) {
    append_value(bytes, static_cast<uint8_t>(length | 0x80));
    length >>= 7;
  }
  assert(length < 0x100);
  append_value(bytes, static_cast<uint8_t>(length));
}

struct Tables {
  Bytes count, names, markers, token_table, token_index;

  Tables(const std::vector<Symbol>& symbols, NameLength lengths) {
    append_value(count, static_cast<uint32_t>(symbols.size()));
    const Tokens tokens;
    for (size_t at = 0; at < symbols.size(); ++at) {
      if (at % KallsymsNames::kGroup == 0) append_value(markers, static_cast<uint32_t>(names.size()));
      const auto packed = tokens.pack(symbols[at].type + symbols[at].name);
      append_length(names, packed.size(), lengths);
      names.insert(names.end(), packed.begin(), packed.end());
    }
    tokens.write(token_table, token_index);
  }
};

Bytes address_table(const std::vector<Symbol>& symbols, AddressForm form, uint64_t base, uint64_t table) {
  Bytes bytes;
  for (const auto& symbol : symbols) {
    const uint64_t address = symbol.address;
    switch (form) {
      case AddressForm::absolute:
        append_value(bytes, address);
        break;
      case AddressForm::base_relative:
        append_value(bytes, static_cast<uint32_t>(address - base));
        break;
      case AddressForm::absolute_percpu:
        append_value(bytes, static_cast<uint32_t>(address < base ? address : base - 1 - address));
        break;
      case AddressForm::place_relative:
        append_value(bytes, static_cast<uint32_t>(address - (table + bytes.size())));
        break;
    }
  }
  return bytes;
}

void set_keys(FakeImage& kernel, const KallsymsLayout& layout, AddressForm form) {
  const auto key = [&kernel](const char* name, uint64_t address) {
    kernel.set_key(fmt::format("SYMBOL(kallsyms_{})", name), fmt::format("{:x}", address));
  };
  key("names", layout.names);
  key("num_syms", layout.count);
  key("token_table", layout.token_table);
  key("token_index", layout.token_index);
  key(form == AddressForm::absolute ? "addresses" : "offsets", layout.addresses);
  if (layout.base != 0) key("relative_base", layout.base);
}

}  // namespace

KallsymsLayout put_kallsyms(FakeImage& kernel, const std::vector<Symbol>& symbols,
                            const KallsymsOptions& options) {
  const Tables tables(symbols, options.lengths);
  const bool has_base =
      options.form == AddressForm::base_relative || options.form == AddressForm::absolute_percpu;
  uint64_t base = 0;
  for (const auto& symbol : symbols) {
    if (base == 0 && symbol.type != 'A') base = symbol.address;
  }
  const size_t address_bytes = symbols.size() * sizeof(uint64_t);
  // Something else before and behind.
  uint64_t next =
      kernel.allocate(address_bytes + tables.names.size() + tables.markers.size() + 4 * kPageSize) + 2048;
  const auto put = [&](uint64_t& place, const Bytes& bytes) {
    place = align_up(next, options.alignment);
    kernel.write(place, bytes);
    next = place + bytes.size();
  };
  KallsymsLayout layout;
  const auto put_addresses = [&] {
    put(layout.addresses, address_table(symbols, options.form, base, align_up(next, options.alignment)));
    // A pointer is aligned to its own size.
    next = align_up(next, has_base ? sizeof base : 1);
    Bytes bytes;
    append_value(bytes, base);
    if (has_base) put(layout.base, bytes);
  };
  kernel.write32(next, 0x5a5a5a5a);
  next += 4;
  if (options.order == KallsymsOrder::addresses_first) put_addresses();
  put(layout.count, tables.count);
  put(layout.names, tables.names);
  put(layout.markers, tables.markers);
  put(layout.token_table, tables.token_table);
  put(layout.token_index, tables.token_index);
  if (options.order == KallsymsOrder::addresses_last) put_addresses();
  kernel.write32(next, 0x5a5a5a5a);
  if (options.keys) set_keys(kernel, layout, options.form);
  return layout;
}

std::vector<Symbol> sample_symbols(const FakeKernel& kernel, PerCpuSymbols per_cpu, size_t count) {
  const auto info = kernel.parsed();
  const uint64_t text = info.symbol("_stext").value();
  const uint64_t uts = info.symbol("init_uts_ns").value();
  // Functions fit between the beginning of the text and the first data.
  const uint64_t step = std::min<uint64_t>(16, (uts - text) / (count / 2 + 1));
  std::vector<Symbol> symbols;
  if (per_cpu == PerCpuSymbols::at_zero) {
    symbols.push_back({"__per_cpu_start", 0, 'A', ""});
    symbols.push_back({"runqueues", 0x2000, 'A', ""});
    symbols.push_back({"__per_cpu_end", 0x3000, 'A', ""});
  }
  symbols.push_back({"_stext", text, 'T', ""});
  symbols.push_back({"_text", text, 'T', ""});
  while (symbols.size() < count / 2) {
    const size_t number = symbols.size();
    symbols.push_back({fmt::format("function_{:04}_of_the_kernel", number), text + number * step,
                       number % 3 == 0 ? 't' : 'T', ""});
  }
  symbols.push_back({"_etext", symbols.back().address + step, 'T', ""});
  symbols.push_back({"init_uts_ns", uts, 'D', ""});
  while (symbols.size() + 1 < count) {
    const size_t number = symbols.size();
    symbols.push_back({fmt::format("data_{:04}", number), uts + number * 32, 'd', ""});
  }
  symbols.push_back({"_end", symbols.back().address + 4096, 'B', ""});
  return symbols;
}

}  // namespace lifeboat::test
