// SPDX-License-Identifier: GPL-2.0-or-later
// VMCOREINFO: the note with the symbols, offsets and sizes that dump tools need. Text, KEY=VALUE lines.
// Source of the keys: kernel/vmcore_info.c (crash_core.c before 6.9); architectures add keys of their own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/error.h"

namespace lifeboat {

class Vmcoreinfo {
 public:
  // `corrupt` when the text has no OSRELEASE line or is not text; unknown and malformed lines are kept out,
  // counted in malformed_lines(). Empty text: `not_found`.
  static Result<Vmcoreinfo> parse(std::string_view text);

  // The raw value of a key ("OSRELEASE", "KERNELOFFSET").
  [[nodiscard]] std::optional<std::string_view> value(std::string_view key) const;
  // SYMBOL(name)=hex, already relocated by KASLR.
  [[nodiscard]] std::optional<uint64_t> symbol(std::string_view name) const;
  [[nodiscard]] std::optional<uint64_t> offset(std::string_view member) const;  // OFFSET(struct.member)
  [[nodiscard]] std::optional<uint64_t> size(std::string_view type) const;      // SIZE(type)
  [[nodiscard]] std::optional<uint64_t> length(std::string_view array) const;   // LENGTH(array)
  [[nodiscard]] std::optional<int64_t> number(std::string_view name) const;  // NUMBER(name), signed decimal

  // As above, but an absent key is a `not_found` error that names it.
  [[nodiscard]] Result<uint64_t> require_symbol(std::string_view name) const;
  [[nodiscard]] Result<uint64_t> require_offset(std::string_view member) const;
  [[nodiscard]] Result<uint64_t> require_size(std::string_view type) const;
  [[nodiscard]] Result<int64_t> require_number(std::string_view name) const;

  [[nodiscard]] std::string_view release() const;            // OSRELEASE
  [[nodiscard]] std::optional<uint64_t> crash_time() const;  // CRASHTIME, seconds since the epoch
  [[nodiscard]] size_t malformed_lines() const { return malformed_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
  size_t malformed_ = 0;
};

}  // namespace lifeboat
