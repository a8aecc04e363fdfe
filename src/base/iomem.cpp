// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/iomem.h"

#include <algorithm>
#include <optional>

#include "src/base/size.h"

namespace lifeboat {
namespace {

// "  2d000000-3cffffff": the last address is included.
std::optional<MemoryRange> parse_range(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const auto begin = parse_number(text.substr(0, dash), 16);
  const auto last = parse_number(text.substr(dash + 1), 16);
  if (!begin || !last || *last < *begin || *last == UINT64_MAX) return std::nullopt;
  return MemoryRange{*begin, *last + 1};
}

// Two spaces for each level; at the depth of a hundred this is no /proc/iomem.
Result<Resource> parse_line(std::string_view line, size_t number) {
  constexpr std::string_view kSeparator = " : ";
  const size_t indent = std::min(line.find_first_not_of(' '), line.size());
  const size_t separator = line.find(kSeparator, indent);
  const auto range =
      separator == line.npos ? std::nullopt : parse_range(line.substr(indent, separator - indent));
  if (!range || indent > 200)
    return fail(ErrorCode::corrupt, "line {} of iomem is not \"BEGIN-END : NAME\"", number);
  return Resource{*range, static_cast<int>(indent / 2),
                  std::string(line.substr(separator + kSeparator.size()))};
}

}  // namespace

Result<std::vector<Resource>> parse_iomem(std::string_view text) {
  std::vector<Resource> resources;
  size_t number = 0;
  bool all_zero = true;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty()) continue;
    resources.push_back(TRY(parse_line(line, number)));
    all_zero = all_zero && resources.back().range == MemoryRange{0, 1};
  }
  if (resources.empty()) return fail(ErrorCode::corrupt, "iomem lists no memory at all");
  if (all_zero) {
    return std::unexpected(
        Error(ErrorCode::no_permission, "the kernel hides the addresses in iomem from this caller")
            .hint("run this as root"));
  }
  return resources;
}

}  // namespace lifeboat
