// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat capture beside makedumpfile on one vmcore: the same level, the same codec, in turns.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/bench_output.h"

namespace lifeboat::test {

// Without snappy, which Debian's makedumpfile is built without.
struct CodecCase {
  const char* name;
  const char* choice;       // --compress
  const char* peer_option;  // empty: none, pages as they are
};
// At the levels that makedumpfile uses.
inline constexpr CodecCase kCodecCases[] = {
    {"zstd", "zstd:1", "-z"}, {"zlib", "zlib:1", "-c"}, {"lzo", "lzo", "-l"}, {"none", "none", ""}};

struct CaptureSetup {
  std::string source;  // an ELF vmcore
  std::string folder;  // for the dumps, each of which is removed when it has been measured
  std::string peer;    // makedumpfile
  int runs = 5;
  // A setting of the peer that takes twice as long as its best in the first round is not run again.
  bool quick = false;
};

// Whether `lifeboat capture` has --threads. Without it one thread is measured.
bool capture_has_threads();

// The figures of one level and codec: medians of each program in each of its settings ("lifeboat",
// "makedumpfile"), the limit that the codec itself sets ("limit"), and the goals ("targets"). A BenchError
// when lifeboat fails, or makedumpfile in every setting.
Json measure_case(const CaptureSetup& setup, const CodecCase& codec, int level);

// Of one level: what was measured, side by side; and the goals.
std::string case_tables(const Json& cases);

}  // namespace lifeboat::test
