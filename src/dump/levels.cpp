// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/levels.h"

#include <algorithm>
#include <ranges>

#include "src/base/size.h"
#include "src/base/text.h"
#include "src/dump/codec.h"

namespace lifeboat {
namespace {

constexpr std::string_view kNone = "none";

Result<int> parse_level(std::string_view item) {
  if (item == kNone) return kNoDump;
  const auto number = parse_number(item);
  if (!number || *number > 31)
    return fail(ErrorCode::usage, "'{}' is not a dump level from 0 to 31, nor 'none'", item);
  return static_cast<int>(*number);
}

}  // namespace

Result<std::vector<int>> parse_levels(std::string_view text) {
  std::vector<int> levels;
  for (const auto part : std::views::split(text, ',')) {
    const std::string_view item = trim({part.begin(), part.end()});
    const int level = TRY(parse_level(item));
    if (std::ranges::find(levels, level) != levels.end())
      return fail(ErrorCode::usage, "dump level {} is given twice", item);
    if (!levels.empty() && levels.back() == kNoDump)
      return fail(ErrorCode::usage, "dump level {} would never be tried: 'none' always fits, put it last",
                  item);
    levels.push_back(level);
  }
  if (levels.empty()) return fail(ErrorCode::usage, "no dump level is given");
  return levels;
}

std::string format_levels(const std::vector<int>& levels) {
  std::string text;
  for (const int level : levels) text += (text.empty() ? "" : ",") + level_name(level);
  return text;
}

std::string level_name(int level) {
  return level == kNoDump ? std::string(kNone) : fmt::format("{}", level);
}

Result<CompressionChoice> parse_compression_choice(std::string_view text) {
  const auto colon = text.find(':');
  const auto compression = parse_compression(text.substr(0, colon));
  if (!compression)
    return fail(ErrorCode::usage, "'{}' is not a compression: none, zlib, lzo, snappy, zstd",
                text.substr(0, colon));
  CompressionChoice choice{*compression, 0};
  if (colon == std::string_view::npos) return choice;
  const auto level = parse_number(text.substr(colon + 1));
  if (!level || *level == 0 || *level > 22)
    return fail(ErrorCode::usage, "'{}' is not a compression level: zlib has 1 to 9, zstd 1 to 19",
                text.substr(colon + 1));
  choice.level = static_cast<int>(*level);
  // Only the codec has its range; this check finds a mistake before the crash.
  TRY_VOID(PageCompressor::create(choice.compression, choice.level));
  return choice;
}

std::string format_compression_choice(const CompressionChoice& choice) {
  const auto name = compression_name(choice.compression);
  return choice.level == 0 ? std::string(name) : fmt::format("{}:{}", name, choice.level);
}

}  // namespace lifeboat
