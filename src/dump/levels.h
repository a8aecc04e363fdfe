// SPDX-License-Identifier: GPL-2.0-or-later
// The text form of a capture's dump levels and compression: "31,none" and "zstd:3". It is the same on the
// command line, in the configuration and in the plan.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/dump/dump.h"

namespace lifeboat {

// The level `none`, as an element of a list of levels: no dump, only the log and the report.
inline constexpr int kNoDump = -1;

// Dump levels 0..31, comma-separated, tried in turn when space runs out; each once. The last one may be
// `none`, which always fits.
Result<std::vector<int>> parse_levels(std::string_view text);
std::string format_levels(const std::vector<int>& levels);
// "31", "none".
std::string level_name(int level);

struct CompressionChoice {
  Compression compression = Compression::zstd;
  int level = 0;  // 0: the codec's default
  // `auto`: the capture measures, and takes what finishes first (capture/engine/codec_choice.h). The other
  // members mean nothing then.
  bool automatic = false;

  friend bool operator==(const CompressionChoice&, const CompressionChoice&) = default;
};
// none|zlib|lzo|snappy|zstd|auto, a level behind a colon where the codec has levels ("zstd:-5").
Result<CompressionChoice> parse_compression_choice(std::string_view text);
std::string format_compression_choice(const CompressionChoice& choice);

}  // namespace lifeboat
