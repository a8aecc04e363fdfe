// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/vmcoreinfo.h"

#include <algorithm>
#include <charconv>
#include <ranges>

#include "src/base/size.h"

namespace lifeboat {
namespace {

// The kernel's note is at most a page or two; anything much larger is not one.
constexpr size_t kMaxText = size_t{1} << 20;

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::optional<int64_t> parse_signed(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  // Masks with the top bit set (sme_mask) may be printed unsigned, or in hexadecimal.
  const int base = text.starts_with("0x") ? 16 : 10;
  if (const auto number = parse_number(text, base)) return static_cast<int64_t>(*number);
  return std::nullopt;
}

std::string wrapped(std::string_view kind, std::string_view name) {
  return fmt::format("{}({})", kind, name);
}

Error missing(std::string_view kind, std::string_view name) {
  return {ErrorCode::not_found, fmt::format("VMCOREINFO has no {}({})", kind, name)};
}

template <typename T>
Result<T> require(std::optional<T> value, std::string_view kind, std::string_view name) {
  if (value) return *value;
  return std::unexpected(missing(kind, name));
}

}  // namespace

Result<Vmcoreinfo> Vmcoreinfo::parse(std::string_view text) {
  if (text.empty()) {
    return std::unexpected(Error(ErrorCode::not_found, "there is no VMCOREINFO")
                               .hint("start QEMU with '-device vmcoreinfo' before it makes a dump"));
  }
  if (text.size() > kMaxText)
    return fail(ErrorCode::corrupt, "VMCOREINFO is too large: {} bytes, at most {}", text.size(), kMaxText);
  Vmcoreinfo info;
  for (const auto part : std::views::split(text, '\n')) {
    const std::string_view line(part.begin(), part.end());
    if (line.empty()) continue;
    const auto equals = line.find('=');
    if (equals == 0 || equals == std::string_view::npos || !is_printable(line)) {
      ++info.malformed_;
      continue;
    }
    // The first wins: the kernel writes each key once, and lines behind a damaged end are not reliable.
    info.values_.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  if (info.release().empty()) {
    return fail(ErrorCode::corrupt, "VMCOREINFO is damaged: no OSRELEASE in {} bytes, {} malformed lines",
                text.size(), info.malformed_);
  }
  return info;
}

std::optional<std::string_view> Vmcoreinfo::value(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::optional<uint64_t> Vmcoreinfo::symbol(std::string_view name) const {
  const auto text = value(wrapped("SYMBOL", name));
  return text ? parse_number(*text, 16) : std::nullopt;
}

std::optional<uint64_t> Vmcoreinfo::offset(std::string_view member) const {
  const auto text = value(wrapped("OFFSET", member));
  return text ? parse_number(*text) : std::nullopt;
}

std::optional<uint64_t> Vmcoreinfo::size(std::string_view type) const {
  const auto text = value(wrapped("SIZE", type));
  return text ? parse_number(*text) : std::nullopt;
}

std::optional<uint64_t> Vmcoreinfo::length(std::string_view array) const {
  const auto text = value(wrapped("LENGTH", array));
  return text ? parse_number(*text) : std::nullopt;
}

std::optional<int64_t> Vmcoreinfo::number(std::string_view name) const {
  const auto text = value(wrapped("NUMBER", name));
  return text ? parse_signed(*text) : std::nullopt;
}

Result<uint64_t> Vmcoreinfo::require_symbol(std::string_view name) const {
  return require(symbol(name), "SYMBOL", name);
}
Result<uint64_t> Vmcoreinfo::require_offset(std::string_view member) const {
  return require(offset(member), "OFFSET", member);
}
Result<uint64_t> Vmcoreinfo::require_size(std::string_view type) const {
  return require(size(type), "SIZE", type);
}
Result<int64_t> Vmcoreinfo::require_number(std::string_view name) const {
  return require(number(name), "NUMBER", name);
}

std::string_view Vmcoreinfo::release() const {
  return value("OSRELEASE").value_or(std::string_view());
}

std::optional<uint64_t> Vmcoreinfo::crash_time() const {
  const auto text = value("CRASHTIME");
  return text ? parse_number(*text) : std::nullopt;
}

}  // namespace lifeboat
