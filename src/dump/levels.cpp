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
constexpr std::string_view kAuto = "auto";

Result<int> parse_level(std::string_view item) {
  if (item == kNone) return kNoDump;
  const auto number = parse_number(item);
  if (!number || *number > 31)
    return fail(ErrorCode::usage, "'{}' is not a dump level from 0 to 31, nor 'none'", item);
  return static_cast<int>(*number);
}

Result<int> parse_compression_level(Compression compression, std::string_view text) {
  const bool negative = text.starts_with('-');
  const auto number = parse_number(text.substr(negative ? 1 : 0));
  // No codec has more levels, and the number fits into an int.
  constexpr uint64_t kLimit = 1'000'000;
  if (!number || *number > kLimit) return fail(ErrorCode::usage, "'{}' is not a compression level", text);
  const int level = negative ? -static_cast<int>(*number) : static_cast<int>(*number);
  const LevelRange levels = levels_of(compression);
  if (!levels.contains(level))
    return fail(ErrorCode::usage, "'{}' is not a compression level: {} has {}", text,
                compression_name(compression), levels.to_string());
  return level;
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
  const std::string_view name = text.substr(0, colon);
  const bool has_level = colon != std::string_view::npos;
  if (name == kAuto) {
    if (has_level) return fail(ErrorCode::usage, "'{}' has no compression levels", kAuto);
    return CompressionChoice{.automatic = true};
  }
  const auto compression = parse_compression(name);
  if (!compression)
    return fail(ErrorCode::usage, "'{}' is not a compression: none, zlib, lzo, snappy, zstd, auto", name);
  CompressionChoice choice{.compression = *compression};
  if (has_level) choice.level = TRY(parse_compression_level(*compression, text.substr(colon + 1)));
  return choice;
}

std::string format_compression_choice(const CompressionChoice& choice) {
  if (choice.automatic) return std::string(kAuto);
  const auto name = compression_name(choice.compression);
  return choice.level == 0 ? std::string(name) : fmt::format("{}:{}", name, choice.level);
}

}  // namespace lifeboat
