// SPDX-License-Identifier: GPL-2.0-or-later
// How many dumps are kept, and how much disk space they may take.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/error.h"

namespace lifeboat {

// "20G", or a share of the file system: "10%"; of free space also "dump": what the next dump may take.
struct Amount {
  uint64_t bytes = 0;      // of "dump": the least that it will be, as far as it was measured
  unsigned percent = 0;    // not 0: counts instead of bytes
  bool next_dump = false;  // "dump"; plan_prune() (src/store/prune.h) knows the dumps before it

  [[nodiscard]] uint64_t of(uint64_t file_system_bytes) const;
  bool operator==(const Amount&) const = default;
};
Result<Amount> parse_amount(std::string_view text);
Result<Amount> parse_free_space(std::string_view text);  // "dump" too
std::string format_amount(const Amount& amount);

// A number of crashes: 1 to 10000.
Result<unsigned> parse_count(std::string_view text);

struct Retention {
  std::optional<unsigned> keep;    // crashes, the newest; unset: any number
  std::optional<Amount> max_size;  // of all crashes together
  std::optional<Amount> min_free;  // of the file system
  bool operator==(const Retention&) const = default;
};

}  // namespace lifeboat
