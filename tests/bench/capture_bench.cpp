// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat capture beside makedumpfile: the same vmcore, the same level, the same codec, turn by turn. The
// machine's mood changes both alike, so the ratio of each pair is what counts.
#include <fmt/core.h>

#include <chrono>

#include "tests/bench/bench.h"

namespace lifeboat::test {
namespace {

constexpr int kPairs = 7;
using Clock = std::chrono::steady_clock;

// Runs to the end and returns the seconds it took; ends the program when it fails.
double seconds_of(const std::vector<std::string>& argv, const std::string& output) {
  std::filesystem::remove(output);
  const auto begin = Clock::now();
  const auto result = run_process(argv, std::chrono::minutes(10));
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (result && result->status == 0) return seconds;
  fmt::print(stderr, "{} failed: {}\n", argv.at(0), result ? result->text : result.error().to_string());
  std::exit(1);
}

void compare(const std::string& source, const std::string& folder, const char* codec,
             const char* their_option) {
  const std::string ours = folder + "/ours", theirs = folder + "/theirs";
  const std::vector<std::string> our_command = {lifeboat_program(), "capture", source, ours,
                                                "--compress",       codec};
  const std::vector<std::string> their_command = {
      cache() / "peers/makedumpfile", their_option, "-d", "31", "--num-threads", "1", source, theirs};
  std::vector<double> our_times, their_times, ratios;
  for (int pair = 0; pair < kPairs; ++pair) {
    our_times.push_back(seconds_of(our_command, ours));
    their_times.push_back(seconds_of(their_command, theirs));
    ratios.push_back(our_times.back() / their_times.back());
  }
  const auto size = [](const std::string& path) {
    return static_cast<double>(std::filesystem::file_size(path));
  };
  fmt::print("{:<7} {:>9.3f} s {:>13.3f} s {:>9.2f} {:>11.1f} MB {:>13.1f} MB {:>9.3f}\n", codec,
             median(our_times), median(their_times), median(ratios), size(ours) / 1e6, size(theirs) / 1e6,
             size(ours) / size(theirs));
}

}  // namespace
}  // namespace lifeboat::test

int main() {
  using namespace lifeboat::test;
  const std::string source = bench_rehearsal() / "vmcore.elf";
  auto folder = lifeboat::TempDir::create("lifeboat-bench");
  if (!folder) return 1;
  fmt::print("capture of {}, level 31, median of {} pairs; makedumpfile is the newest, with one thread\n\n",
             source, kPairs);
  fmt::print("{:<7} {:>11} {:>15} {:>9} {:>14} {:>16} {:>9}\n", "codec", "lifeboat", "makedumpfile", "ratio",
             "lifeboat", "makedumpfile", "ratio");
  for (const auto& [codec, option] :
       {std::pair{"lzo", "-l"}, {"snappy", "-p"}, {"zstd", "-z"}, {"zlib", "-c"}})
    compare(source, folder->path().string(), codec, option);
}
